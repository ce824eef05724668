namespace QkvMigrate.Configuration;

/// <summary>
/// Turns an old configuration into one that today's LitGPT takes and that means the same. Comments stay. Fields that nobody
/// knows stay too, and the user is told of them.
/// </summary>
internal sealed class ConfigurationUpgrade
{
    /// <summary>In 2024-07 LitGPT put the stride of the layers into the field before it was saved (litgpt/config.py, <c>__post_init__</c>).</summary>
    private const string EveryLayer = "1";
    private const string EverySecondLayer = "2";

    private readonly MarkedLines lines;
    private readonly IReadOnlyList<YamlField> fields;
    private readonly Dictionary<string, YamlField> byName;
    private readonly List<string> changes = [];
    private readonly List<Advice> advice = [];

    private ConfigurationUpgrade(string yaml)
    {
        lines = new MarkedLines(yaml);
        fields = YamlFields.Parse(yaml);
        byName = fields.ToDictionary(field => field.Name);
    }

    /// <summary>Upgrades a <c>model_config.yaml</c>.</summary>
    public static ConfigurationRewrite OfYaml(string text)
    {
        var upgrade = new ConfigurationUpgrade(text);
        upgrade.Run();
        return new ConfigurationRewrite(
            upgrade.lines.IsChanged ? [new ConfigurationFile(ConfigurationRewrite.YamlName, upgrade.lines.ToBytes())] : [],
            upgrade.changes,
            upgrade.advice);
    }

    /// <summary>Makes a <c>model_config.yaml</c> from a <c>lit_config.json</c>, which stays as it is.</summary>
    public static ConfigurationRewrite OfJson(string text)
    {
        var upgrade = new ConfigurationUpgrade($"{MarkedLines.Header(ConfigurationRewrite.JsonName)}\n{JsonAsYaml.Convert(text)}");
        upgrade.Run();
        return new ConfigurationRewrite(
            [new ConfigurationFile(ConfigurationRewrite.YamlName, upgrade.lines.ToBytes())],
            [$"{ConfigurationRewrite.YamlName} is made from {ConfigurationRewrite.JsonName}", .. upgrade.changes],
            upgrade.advice);
    }

    private void Run()
    {
        // From the last line to the first, so that the lines of the fields that are still to come keep their numbers.
        foreach (var field in fields.OrderByDescending(field => field.FirstLine))
        {
            Upgrade(field);
        }

        changes.Reverse();
        advice.Reverse();
    }

    private void Upgrade(YamlField field)
    {
        if (ConfigurationFields.Renamed.FirstOrDefault(renamed => renamed.Name == field.Name) is { } renaming)
        {
            Rename(field, renaming);
        }
        else if (field.Name == ConfigurationFields.Organisation)
        {
            MoveOrganisation(field);
        }
        else if (field.Name == ConfigurationFields.WindowPlacing)
        {
            PlaceWindows(field);
        }
        else if (field.Name == ConfigurationFields.DerivedRotation)
        {
            Editable(field);
            lines.Replace(field.FirstLine, field.LastLine);
            changes.Add($"{field.Name} goes: LitGPT works it out from the other fields");
        }
        else if (!ConfigurationFields.Current.Contains(field.Name))
        {
            advice.Add(
                new Advice(
                    "config-unknown-field",
                    $"the configuration has a field '{field.Name}' that LitGPT does not know; it is kept, and LitGPT will refuse it"));
        }
    }

    private void Rename(YamlField field, RenamedField renaming)
    {
        NotBeside(field, renaming.NewName);
        Editable(field);
        var line = lines[field.FirstLine];
        lines.Replace(field.FirstLine, field.LastLine, $"{line[..field.KeyColumn]}{renaming.NewName}{line[(field.KeyColumn + field.KeyLength)..]}");
        changes.Add($"{field.Name} is called {renaming.NewName} since {renaming.Since}");
    }

    private void MoveOrganisation(YamlField field)
    {
        NotBeside(field, ConfigurationFields.HuggingFace);
        Editable(field);
        Plain(field, "text");
        var name = byName.GetValueOrDefault(ConfigurationFields.ModelName)?.Scalar ?? "";
        lines.Replace(
            field.FirstLine,
            field.LastLine,
            $"{ConfigurationFields.HuggingFace}: {{name: {JsonAsYaml.Quoted(name)}, org: {JsonAsYaml.Quoted(field.Scalar!)}}}");
        changes.Add($"{ConfigurationFields.Organisation} and {ConfigurationFields.ModelName} are {ConfigurationFields.HuggingFace} since 2023-10");
    }

    private void PlaceWindows(YamlField field)
    {
        Editable(field);
        Plain(field, "null, all or interleaved");
        switch (field.Scalar!)
        {
            // Within quotes, null and numbers are words that LitGPT took for "interleaved", as every word but "all".
            case var value when value != "all" && value != "interleaved" && field.Plain is null:
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"{field.Name} is the text '{value}' for its quotes, expected null, all or interleaved",
                    where: $"line {field.FirstLine + 1}");
            case var value when value is "all" or EveryLayer || ConfigurationReader.IsNull(value):
                lines.Replace(field.FirstLine, field.LastLine);
                changes.Add($"{field.Name} goes: without it a window, where there is one, is on all layers");
                break;
            case "interleaved" or EverySecondLayer:
                NotBeside(field, ConfigurationFields.WindowIndices);
                if (!int.TryParse(byName.GetValueOrDefault(ConfigurationFields.LayerCount)?.Plain, out var layers) || layers is < 1 or > 10_000)
                {
                    throw new MigrationException(
                        FailureKind.Malformed,
                        $"{field.Name} {field.Scalar} needs {ConfigurationFields.LayerCount}, a number from 1 to 10000",
                        where: $"line {field.FirstLine + 1}");
                }

                // Layers 0, 2, 4, ... have the window (litgpt/model.py before 2025-04: block_idx % sliding_window_layer_stride == 0).
                lines.Replace(
                    field.FirstLine,
                    field.LastLine,
                    $"{ConfigurationFields.WindowIndices}: [{string.Join(", ", Enumerable.Range(0, layers).Select(layer => 1 - (layer % 2)))}]");
                changes.Add($"{field.Name} {field.Scalar} is {ConfigurationFields.WindowIndices}, one number a layer");
                advice.Add(
                    new Advice(
                        "config-needs-litgpt-2025-04",
                        $"{ConfigurationFields.WindowIndices} is read by LitGPT since 2025-04; versions from 0.5.4 to then cannot load this configuration"));
                break;
            default:
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"{field.Name} is '{field.Scalar}', expected null, all or interleaved",
                    where: $"line {field.FirstLine + 1}");
        }
    }

    private void NotBeside(YamlField field, string other)
    {
        if (byName.ContainsKey(other))
        {
            throw new MigrationException(
                FailureKind.Conflict,
                $"{field.Name} stands beside {other}, which took its place",
                where: $"line {field.FirstLine + 1}");
        }
    }

    private static void Plain(YamlField field, string expected)
    {
        if (field.Scalar is null)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{field.Name} is a list or a mapping, expected {expected}",
                where: $"line {field.FirstLine + 1}");
        }
    }

    /// <summary>A field is changed line by line: it must have its lines to itself, and its value one of them.</summary>
    private void Editable(YamlField field)
    {
        if (!lines.AreCountable)
        {
            throw new MigrationException(FailureKind.Unsupported, $"{field.Name} has to change, but the file has line breaks other than LF and CRLF");
        }

        if (field.KeyColumn < 0 || field.LastLine != field.FirstLine || fields.Any(other => other != field && other.FirstLine == field.FirstLine))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{field.Name} has to change, but does not stand in a line of its own",
                where: $"line {field.FirstLine + 1}");
        }
    }
}
