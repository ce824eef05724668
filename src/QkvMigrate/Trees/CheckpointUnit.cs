using QkvMigrate.Files;

namespace QkvMigrate.Trees;

/// <summary>
/// What is migrated as one: a directory that holds checkpoint files, with everything in it that belongs to no other
/// such directory below.
/// </summary>
/// <param name="Root">The directory.</param>
/// <param name="RelativePath">Its path below the path that the user named; empty for that path itself.</param>
/// <param name="Checkpoints">The checkpoint files in it, relative to <paramref name="Root"/>.</param>
/// <param name="OtherFiles">The files that come along, relative to <paramref name="Root"/>.</param>
internal sealed record CheckpointUnit(string Root, string RelativePath, IReadOnlyList<string> Checkpoints, IReadOnlyList<string> OtherFiles)
{
    /// <summary>The directories below it that are units of their own, relative to <see cref="Root"/>.</summary>
    public IReadOnlyList<string> UnitsBelow { get; init; } = [];

    /// <summary>Checkpoint files in it that the user left out: neither migrated nor copied.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>The links that come along as links, beside <see cref="OtherFiles"/>.</summary>
    public IReadOnlyList<KeptLink> Links { get; init; } = [];

    /// <summary>Whether a file is its own, by the folder that it lies in, and not that of a unit below.</summary>
    /// <param name="file">The file, relative to <see cref="Root"/>; it need not be there.</param>
    public bool Owns(string file) => !UnitsBelow.Any(unit => file.StartsWith(unit + Path.DirectorySeparatorChar, StringComparison.Ordinal));

    /// <summary>The links that a run takes along; one to a LoRA that is merged would lead nowhere.</summary>
    /// <param name="isMerge">Whether the checkpoints are LoRA that are merged.</param>
    public IEnumerable<KeptLink> LinksFor(bool isMerge) =>
        Links.Where(link => !(isMerge && link.Target is { } target && Checkpoints.Contains(target)));

    /// <summary>What the user should know of files that stay behind.</summary>
    public IReadOnlyList<Advice> LeftBehind { get; init; } = [];

    /// <summary>Every directory of the tree that it was found in: nothing new may be written in any of them.</summary>
    public TreeFolders TreeFolders { get; init; } = new();

    /// <summary>Bytes of all its files but those that are left out; what is gone by now counts nothing.</summary>
    public long CountBytes() => Checkpoints.Concat(OtherFiles).Sum(file => FileIdentity.Of(Path.Combine(Root, file))?.Size ?? 0);
}
