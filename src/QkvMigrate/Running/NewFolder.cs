using QkvMigrate.Trees;

namespace QkvMigrate.Running;

/// <summary>A folder that a unit becomes, and what will be in it.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Path">The folder.</param>
/// <param name="Files">Its files, relative to it.</param>
/// <param name="Links">The links that come along as links.</param>
internal sealed record NewFolder(CheckpointUnit Unit, string Path, IReadOnlyList<string> Files, IReadOnlyList<KeptLink> Links)
{
    /// <summary>The paths of files and links, relative to it.</summary>
    public IReadOnlyList<string> Names { get; } = [.. Files, .. Links.Select(link => link.Path)];

    /// <summary>Where a file of it will be.</summary>
    public string PathOf(string file) => System.IO.Path.Combine(Path, file);
}
