using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>
/// What an upgrade makes of LitGPT's configuration, by the verifier's own table of what became of which field (litgpt/config.py and
/// lit_gpt/config.py over the years). Every line of no such field stays as it is.
/// </summary>
internal sealed class ExpectedConfiguration
{
    private const string MadeFrom = "#qkvmigrate+ made from ";

    private static readonly Dictionary<string, string> NewNames = new()
    {
        ["condense_ratio"] = "rope_condense_ratio",
        ["_norm_class"] = "norm_class_name",
        ["_mlp_class"] = "mlp_class_name",
    };

    private readonly ExpectedLines lines;
    private readonly IReadOnlyList<YamlField> fields;

    private ExpectedConfiguration(string yaml)
    {
        lines = new ExpectedLines(yaml);
        fields = YamlFields.Parse(yaml);
    }

    /// <summary>The lines that a <c>model_config.yaml</c> must have after an upgrade.</summary>
    /// <exception cref="MigrationException">It cannot be read, or what it must become is not known.</exception>
    public static ExpectedLines OfYaml(string text) => new ExpectedConfiguration(text).Upgraded();

    /// <summary>The lines of the <c>model_config.yaml</c> that an upgrade makes of a <c>lit_config.json</c>.</summary>
    /// <exception cref="MigrationException">As above.</exception>
    public static ExpectedLines OfJson(string json) => OfYaml(Header() + "\n" + YamlOfJson.Of(json));

    /// <summary>The lines that a <c>model_config.yaml</c> must have after a downgrade; null where it must be gone, as the JSON that it was made from is there.</summary>
    public static ExpectedLines? Restored(string text, bool hasJson)
    {
        var restored = new ExpectedLines(text);
        if (!text.StartsWith(Header(), StringComparison.Ordinal))
        {
            restored.Restore();
            return restored;
        }

        return hasJson ? null : restored;
    }

    private static string Header() => MadeFrom + ConfigurationComparison.JsonName;

    private ExpectedLines Upgraded()
    {
        foreach (var field in fields.OrderByDescending(field => field.FirstLine))
        {
            if (NewNames.TryGetValue(field.Name, out var name))
            {
                Alone(field, beside: name);
                var line = lines[field.FirstLine];
                lines.Replace(field.FirstLine, $"{field.Name} is called {name} now", line[..field.KeyColumn] + name + line[(field.KeyColumn + field.KeyLength)..]);
            }
            else if (field.Name == "org")
            {
                Alone(field, beside: "hf_config");
                var values = $"{{name: {YamlOfJson.Text(Scalar("name") ?? "")}, org: {YamlOfJson.Text(field.Scalar ?? throw Unknown(field))}}}";
                lines.Replace(field.FirstLine, "org and name are hf_config now", $"hf_config: {values}");
            }
            else if (field.Name == "rope_n_elem")
            {
                Alone(field);
                lines.Replace(field.FirstLine, "rope_n_elem is worked out from the other fields");
            }
            else if (field.Name == "sliding_window_layer_placing")
            {
                PlaceWindows(field);
            }
        }

        return lines;
    }

    /// <summary>Nothing for a window in every layer; in every second one, from the first on, a list of ones and zeros (litgpt/model.py before 2025-04).</summary>
    private void PlaceWindows(YamlField field)
    {
        const string Rule = "sliding_window_layer_placing is sliding_window_indices now, where not all layers have the window";
        const int MostLayers = 10_000;
        switch (field.Scalar)
        {
            // Only words stand in quotes: LitGPT took a null or a number there for another word.
            case not ("all" or "interleaved") when field.Plain is null:
                throw Unknown(field);
            case "all" or "1" or "" or "~" or "null" or "Null" or "NULL":
                Alone(field);
                lines.Replace(field.FirstLine, Rule);
                break;
            case "interleaved" or "2":
                Alone(field, beside: "sliding_window_indices");
                var count = int.TryParse(fields.FirstOrDefault(other => other.Name == "n_layer")?.Plain, out var layers) && layers is > 0 and <= MostLayers ? layers : throw Unknown(field);
                lines.Replace(field.FirstLine, Rule, $"sliding_window_indices: [{string.Join(", ", Enumerable.Range(0, count).Select(layer => layer % 2 == 0 ? '1' : '0'))}]");
                break;
            default:
                throw Unknown(field);
        }
    }

    /// <summary>A line is replaced only where all of it is the field's, and the field's new name is not there already.</summary>
    private void Alone(YamlField field, string? beside = null)
    {
        var isAlone = field.KeyColumn >= 0
            && field.LastLine == field.FirstLine
            && fields.Count(other => other.FirstLine <= field.FirstLine && other.LastLine >= field.FirstLine) == 1;
        if (!isAlone || !lines.AreClear || Scalar(beside) is not null || fields.Any(other => other.Name == beside))
        {
            throw Unknown(field);
        }
    }

    private string? Scalar(string? name) => fields.FirstOrDefault(field => field.Name == name)?.Scalar;

    private static MigrationException Unknown(YamlField field) =>
        new(FailureKind.Unsupported, $"{field.Name} must change, and what it must become is not known", where: $"line {field.FirstLine + 1}");
}
