using QkvMigrate.Files;

namespace QkvMigrate.Running.Batches;

/// <summary>Which directory a tree is, wherever it is mounted and whatever it is called.</summary>
/// <param name="Path">Its whole path.</param>
/// <param name="Device">The device of its filesystem.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Born">When it was made, in nanoseconds since 1970, where the filesystem says: numbers are given again.</param>
internal sealed record SourceRoot(string Path, ulong Device, ulong Inode, long? Born)
{
    /// <summary>Whether its values are such as a run writes.</summary>
    public bool IsSound() => RecordedPath.IsOne(Path);

    /// <summary>The directory <paramref name="path"/>, or null where it is not there.</summary>
    public static SourceRoot? Of(string path) => FileIdentity.Of(path) is { } folder
        ? new SourceRoot(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)), folder.Device, folder.Inode, folder.Born)
        : null;

    /// <summary>Whether both are one directory: moved, it keeps its number; mounted anew or on another machine, its path.</summary>
    public bool IsSameAs(SourceRoot other) =>
        Path == other.Path || IsSameDirectoryAs(other);

    /// <summary>Whether the system says that both are one directory.</summary>
    public bool IsSameDirectoryAs(SourceRoot other) =>
        Device == other.Device && Inode == other.Inode && (Born is null || other.Born is null || Born == other.Born);
}
