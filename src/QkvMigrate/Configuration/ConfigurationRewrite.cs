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
    public static ConfigurationRewrite PlanUpgrade(string directory) => new ConfigurationTexts(directory).Upgrade();

    /// <summary>Plans how the configuration in <paramref name="directory"/> becomes what it was before its upgrade.</summary>
    /// <exception cref="MigrationException">The configuration cannot be read.</exception>
    public static ConfigurationRewrite PlanDowngrade(string directory) => new ConfigurationTexts(directory).Downgrade();

    /// <summary>This rewrite of <paramref name="texts"/>, with advice where undoing it will not give the old bytes.</summary>
    /// <param name="texts">What it was planned for.</param>
    /// <param name="undo">Its inverse.</param>
    public ConfigurationRewrite WithWayBackAdvice(ConfigurationTexts texts, Func<ConfigurationTexts, ConfigurationRewrite> undo)
    {
        const string Message = $"undoing this will not give the old {YamlName} byte for byte; nor can its checksum prove the new one";
        return texts.ComesBack(this, undo) ? this : this with { Advice = [.. Advice, new Advice("no-exact-way-back", Message)] };
    }
}
