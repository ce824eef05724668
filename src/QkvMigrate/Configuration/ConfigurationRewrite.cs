using QkvMigrate.Migration;

namespace QkvMigrate.Configuration;

/// <summary>A configuration file that is written, or taken away where <paramref name="Content"/> is null.</summary>
/// <param name="Name">The file's name in its directory.</param>
/// <param name="Content">Its new bytes.</param>
public sealed record ConfigurationFile(string Name, ReadOnlyMemory<byte>? Content);

/// <summary>What happens to the configuration of a checkpoint's directory.</summary>
/// <param name="Files">The files that are written or taken away.</param>
/// <param name="Changes">The changes, a line each.</param>
/// <param name="Advice">What the user should know.</param>
public sealed record ConfigurationRewrite(IReadOnlyList<ConfigurationFile> Files, IReadOnlyList<string> Changes, IReadOnlyList<Advice> Advice)
{
    /// <summary>Nothing happens.</summary>
    public static ConfigurationRewrite None { get; } = new([], [], []);

    /// <summary>Whether nothing happens.</summary>
    public bool IsEmpty => Files.Count == 0;

    /// <summary>Whether the file of this name is written or taken away.</summary>
    public bool Replaces(string name) => Files.Any(file => file.Name == name);

    /// <summary>Plans what happens to the configuration in <paramref name="directory"/>.</summary>
    public static ConfigurationRewrite Plan(string directory, MigrationDirection direction) => None;
}
