using System.Text;

namespace QkvMigrate.Configuration;

/// <summary>A configuration file that is written, or taken away where <paramref name="Content"/> is null.</summary>
/// <param name="Name">The file's name in its directory.</param>
/// <param name="Content">Its new bytes.</param>
internal sealed record ConfigurationFile(string Name, ReadOnlyMemory<byte>? Content);

/// <summary>
/// What happens to the configuration of a checkpoint's directory, so that LitGPT accepts it: it takes no field that it
/// does not know. <c>downgrade</c> gives the old configuration back, byte for byte, from marks that the upgrade leaves.
/// </summary>
/// <param name="Files">The files that are written or taken away.</param>
/// <param name="Changes">The changes, a line each.</param>
/// <param name="Advice">What the user should know.</param>
internal sealed record ConfigurationRewrite(IReadOnlyList<ConfigurationFile> Files, IReadOnlyList<string> Changes, IReadOnlyList<Advice> Advice)
{
    /// <summary>LitGPT's configuration since 2024-03.</summary>
    public const string YamlName = "model_config.yaml";

    /// <summary>LitGPT's configuration before; no longer read.</summary>
    public const string JsonName = "lit_config.json";

    /// <summary>Nothing happens.</summary>
    public static ConfigurationRewrite None { get; } = new([], [], []);

    /// <summary>What happens here and in <paramref name="other"/>, which are of different files.</summary>
    public ConfigurationRewrite With(ConfigurationRewrite other) =>
        new([.. Files, .. other.Files], [.. Changes, .. other.Changes], [.. Advice, .. other.Advice]);

    /// <summary>Whether nothing happens.</summary>
    public bool IsEmpty => Files.Count == 0;

    /// <summary>Whether the file of this name is written or taken away.</summary>
    public bool Replaces(string name) => Files.Any(file => file.Name == name);

    /// <summary>Plans how the configuration in <paramref name="directory"/> becomes one that today's LitGPT takes.</summary>
    /// <exception cref="MigrationException">A configuration cannot be read, or has a value that no version of LitGPT wrote.</exception>
    public static ConfigurationRewrite PlanUpgrade(string directory)
    {
        var (yaml, json) = (Path.Combine(directory, YamlName), Path.Combine(directory, JsonName));
        return File.Exists(yaml) ? InFile(yaml, ConfigurationUpgrade.OfYaml)
            : File.Exists(json) ? InFile(json, ConfigurationUpgrade.OfJson)
            : None;
    }

    /// <summary>Plans how the configuration in <paramref name="directory"/> becomes what it was before its upgrade.</summary>
    /// <exception cref="MigrationException">The configuration cannot be read.</exception>
    public static ConfigurationRewrite PlanDowngrade(string directory)
    {
        var (yaml, json) = (Path.Combine(directory, YamlName), Path.Combine(directory, JsonName));
        return File.Exists(yaml) ? InFile(yaml, text => MarkedLines.Restore(text, hasSource: File.Exists(json))) : None;
    }

    private static ConfigurationRewrite InFile(string path, Func<string, ConfigurationRewrite> plan)
    {
        try
        {
            var text = ConfigurationReader.ReadText(path);
            return text is [ConfigurationReader.ByteOrderMark, .. var rest]
                ? plan(rest).After(Path.GetFileName(path), Encoding.UTF8.Preamble)
                : plan(text);
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    /// <summary>The same rewrite, where the file of this name goes on beginning with <paramref name="preamble"/>.</summary>
    private ConfigurationRewrite After(string name, ReadOnlySpan<byte> preamble)
    {
        var start = preamble.ToArray();
        return this with { Files = [.. Files.Select(Begun)] };

        ConfigurationFile Begun(ConfigurationFile file) => file.Name == name && file.Content is { } content
            ? file with { Content = (byte[])[.. start, .. content.Span] }
            : file;
    }
}
