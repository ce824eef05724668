using System.Text;

namespace QkvMigrate.Configuration;

/// <summary>The texts of a directory's configuration: on the disk, or as a rewrite that nobody has written makes them.</summary>
internal sealed class ConfigurationTexts
{
    private readonly string yamlPath;
    private readonly string jsonPath;
    private readonly string? yaml;

    /// <summary>Reads what is in <paramref name="directory"/>.</summary>
    /// <exception cref="MigrationException">It cannot be read.</exception>
    public ConfigurationTexts(string directory)
    {
        (yamlPath, jsonPath) = (Path.Combine(directory, ConfigurationRewrite.YamlName), Path.Combine(directory, ConfigurationRewrite.JsonName));
        yaml = File.Exists(yamlPath) ? Read(yamlPath) : null;
    }

    private ConfigurationTexts(ConfigurationTexts before, string? yaml)
    {
        (yamlPath, jsonPath) = (before.yamlPath, before.jsonPath);
        this.yaml = yaml;
    }

    /// <summary>What an upgrade makes of them.</summary>
    /// <exception cref="MigrationException">A text has a value that no version of LitGPT wrote, or cannot be read.</exception>
    public ConfigurationRewrite Upgrade() =>
        yaml is not null ? OfYaml(yaml, ConfigurationUpgrade.OfYaml)
        : File.Exists(jsonPath) ? InFile(jsonPath, () => ConfigurationUpgrade.OfJson(Unmarked(Read(jsonPath)).Text))
        : ConfigurationRewrite.None;

    /// <summary>What a downgrade makes of them.</summary>
    public ConfigurationRewrite Downgrade() =>
        yaml is null ? ConfigurationRewrite.None : OfYaml(yaml, text => MarkedLines.Restore(text, hasSource: File.Exists(jsonPath)));

    /// <summary>Whether the inverse of a rewrite of these texts gives them back, byte for byte.</summary>
    /// <param name="rewrite">The rewrite.</param>
    /// <param name="undo">The inverse.</param>
    public bool ComesBack(ConfigurationRewrite rewrite, Func<ConfigurationTexts, ConfigurationRewrite> undo)
    {
        try
        {
            var made = After(rewrite);
            return made.After(undo(made)).yaml == yaml;
        }
        catch (MigrationException)
        {
            // The inverse is refused.
            return false;
        }
    }

    private static string Read(string path) => InFile(path, () => ConfigurationReader.ReadText(path));

    private static T InFile<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    /// <summary>What some editors put before a text, and the text.</summary>
    private static (string Mark, string Text) Unmarked(string text) => text is [ConfigurationReader.ByteOrderMark, .. var rest] ? (text[..1], rest) : ("", text);

    /// <summary>Rewrites the text behind its mark, which stays.</summary>
    private ConfigurationRewrite OfYaml(string text, Func<string, ConfigurationRewrite> plan)
    {
        var (mark, rest) = Unmarked(text);
        var planned = InFile(yamlPath, () => plan(rest));
        return planned with { Files = [.. planned.Files.Select(Marked)] };

        ConfigurationFile Marked(ConfigurationFile file) =>
            file.Content is { } content ? file with { Content = (byte[])[.. Encoding.UTF8.GetBytes(mark), .. content.Span] } : file;
    }

    private ConfigurationTexts After(ConfigurationRewrite rewrite) => rewrite.Files.FirstOrDefault(file => file.Name == ConfigurationRewrite.YamlName) switch
    {
        null => this,
        { Content: { } content } => new ConfigurationTexts(this, Encoding.UTF8.GetString(content.Span)),
        _ => new ConfigurationTexts(this, yaml: null),
    };
}
