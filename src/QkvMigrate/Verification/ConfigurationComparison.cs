using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds LitGPT's configuration of the second directory, line by line, against what the first one's must become: the fields that an
/// upgrade brings up to date change by their rules (<see cref="ExpectedConfiguration"/>), a downgrade undoes that, and every
/// other line, comment and end of line stays.
/// </summary>
internal static class ConfigurationComparison
{
    /// <summary>LitGPT's configuration before 2024-03.</summary>
    public const string JsonName = "lit_config.json";

    private const string YamlName = "model_config.yaml";

    /// <summary>What some editors put before the text.</summary>
    private const char Mark = '\uFEFF';

    /// <summary>Whether a file is LitGPT's configuration, which an upgrade may change.</summary>
    public static bool IsConfiguration(string name) => Path.GetFileName(name) == YamlName;

    /// <summary>Compares a <c>model_config.yaml</c> that one or both directories have.</summary>
    /// <param name="original">The first root.</param>
    /// <param name="upgraded">The second root.</param>
    /// <param name="name">The file's path below the roots.</param>
    /// <param name="change">What was made of the checkpoints in the same directory; null where nothing was.</param>
    /// <param name="log">Takes the first difference.</param>
    public static void Compare(string original, string upgraded, string name, VerifiedChange? change, DifferenceLog log)
    {
        var place = $"file '{name}'";
        try
        {
            var expected = Expected(Path.Combine(original, name), change);
            var after = Path.Combine(upgraded, name);
            if (expected is null)
            {
                if (File.Exists(after))
                {
                    log.Add(place, "the first directory has no configuration that it could be made from");
                }
            }
            else if (!File.Exists(after))
            {
                log.Add(place, "the second directory has no configuration");
            }
            else
            {
                expected.Compare(ConfigurationReader.ReadText(after), place, log);
            }
        }
        catch (MigrationException error)
        {
            log.Add(place, error.Where is { } where ? $"{where}: {error.Problem}" : error.Problem);
        }
    }

    /// <summary>Says so where an upgrade had to make a <c>model_config.yaml</c> beside a <c>lit_config.json</c>, and there is none.</summary>
    public static void RequireMade(string json, string upgradedJson, VerifiedChange? change, DifferenceLog log)
    {
        var made = Path.Combine(Path.GetDirectoryName(upgradedJson)!, YamlName);
        if (change == VerifiedLayouts.Upgrade && !File.Exists(Path.Combine(Path.GetDirectoryName(json)!, YamlName)) && !File.Exists(made))
        {
            log.Add($"file '{made}'", $"the second directory has no configuration, which an upgrade makes of {JsonName}");
        }
    }

    /// <summary>The lines that the file must have, or null where it must not be there.</summary>
    private static ExpectedLines? Expected(string before, VerifiedChange? change)
    {
        var json = Path.Combine(Path.GetDirectoryName(before)!, JsonName);
        if (!File.Exists(before))
        {
            return change == VerifiedLayouts.Upgrade && File.Exists(json)
                ? ExpectedConfiguration.OfJson(ConfigurationReader.ReadText(json) is [Mark, .. var text] ? text : ConfigurationReader.ReadText(json))
                : null;
        }

        var yaml = ConfigurationReader.ReadText(before);
        if (change is null)
        {
            return new ExpectedLines(yaml);
        }

        var (mark, rest) = yaml is [Mark, .. var marked] ? (yaml[..1], marked) : ("", yaml);
        var lines = change == VerifiedLayouts.Upgrade ? ExpectedConfiguration.OfYaml(rest) : ExpectedConfiguration.Restored(rest, File.Exists(json));
        lines?.StartWith(mark);
        return lines;
    }
}
