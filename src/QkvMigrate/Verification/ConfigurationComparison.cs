using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the configurations of two directories against each other. A migration brings the fields of LitGPT's own up to
/// date, so they need not be the same bytes; they must both be readable and say the same sizes of the attention.
/// </summary>
internal static class ConfigurationComparison
{
    private static readonly string[] Names = [ConfigurationRewrite.YamlName, ConfigurationRewrite.JsonName];

    /// <summary>Whether a file is LitGPT's configuration.</summary>
    public static bool IsConfiguration(string name) => Names.Contains(Path.GetFileName(name));

    /// <summary>Compares the configuration <paramref name="name"/>, which one directory may have under its older name.</summary>
    public static void Compare(string original, string upgraded, string name, DifferenceLog log)
    {
        if (Find(original, name) is not { } before)
        {
            log.Add($"file '{name}'", "the first directory has no configuration");
        }
        else if (Find(upgraded, name) is not { } after)
        {
            log.Add($"file '{name}'", "the second directory has no configuration");
        }
        else if (Read(before, log) is { } expected && Read(after, log) is { } found && expected != found)
        {
            log.Add($"file '{name}'", $"it says {Text(found)}, expected {Text(expected)}");
        }
    }

    /// <summary>The file of that name, or else of the other one, in the same directory.</summary>
    private static string? Find(string root, string name)
    {
        var folder = Path.GetDirectoryName(Path.Combine(root, name))!;
        return Names.OrderByDescending(candidate => candidate == Path.GetFileName(name))
            .Select(candidate => Path.Combine(folder, candidate))
            .FirstOrDefault(File.Exists);
    }

    private static ConfigurationNumbers? Read(string path, DifferenceLog log)
    {
        try
        {
            return ConfigurationReader.Read(path, "");
        }
        catch (MigrationException error)
        {
            log.Add($"file '{path}'", error.Problem);
            return null;
        }
    }

    private static string Text(ConfigurationNumbers numbers) =>
        $"n_head={numbers.HeadCount} n_query_groups={numbers.QueryGroupCount} head_size={numbers.HeadSize} n_embd={numbers.EmbeddingSize}";
}
