using QkvMigrate.Files.Systems;

namespace QkvMigrate.Files;

/// <summary>
/// The place that a path leads to in the filesystem: the file that it names, with links and mounts followed, or the nearest
/// folder that exists and the rest of the path.
/// </summary>
internal sealed class FilePlace
{
    private readonly string existing;
    private readonly bool isDirectory;

    private FilePlace(string existing, bool isDirectory, (FileKey Key, string Tail) id)
    {
        this.existing = existing;
        this.isDirectory = isDirectory;
        Id = id;
    }

    /// <summary>The file, or the nearest folder that exists and the path from there on: equal for all paths that lead to one place.</summary>
    public (FileKey Key, string Tail) Id { get; }

    /// <summary>Whether there is a file or folder.</summary>
    public bool Exists => Id.Tail.Length == 0;

    /// <summary>The directory that a file's name is in, in full; the root is in itself.</summary>
    public static string DirectoryOf(string file)
    {
        var path = Path.GetFullPath(file);
        return Path.GetDirectoryName(path) ?? path;
    }

    /// <summary>The place to which <paramref name="path"/> leads, links followed.</summary>
    /// <exception cref="MigrationException">The system does not accept the path.</exception>
    public static FilePlace Of(string path)
    {
        var current = Full(path);
        var tail = "";
        while (true)
        {
            // One look at the name tells most: only behind a link is another one needed.
            var named = FileIdentity.OfLink(current);
            if ((named is { IsLink: true } ? FileIdentity.Of(current) : named) is { } found)
            {
                return new FilePlace(current, found.IsDirectory, (new FileKey(found), tail));
            }

            var folder = Path.GetDirectoryName(current) ?? throw new MigrationException(
                FailureKind.Io,
                $"this system has no {current}",
                path);
            if (named is not null && LinkEnd.Of(current) is { } end)
            {
                current = end;
            }
            else
            {
                tail = Path.Combine(Path.GetFileName(current), tail);
                current = folder;
            }
        }
    }

    /// <summary>The place of a name itself, where it may be a link: what a rename to it replaces.</summary>
    /// <exception cref="MigrationException">The system does not accept the path.</exception>
    public static FilePlace OfName(string path)
    {
        var full = Full(path);
        if (Path.GetDirectoryName(full) is not { } folder)
        {
            return Of(full);
        }

        var parent = Of(folder);
        return new FilePlace(parent.existing, parent.isDirectory, (parent.Id.Key, Path.Combine(parent.Id.Tail, Path.GetFileName(full))));
    }

    /// <summary>Whether the place is one of <paramref name="folders"/> or lies in one, at whatever depth.</summary>
    public bool IsWithin(IReadOnlySet<FileKey> folders) => folders.Count > 0 && Folders().Any(folders.Contains);

    /// <summary>Whether the place is <paramref name="folder"/> or lies in it, at whatever depth.</summary>
    public bool IsWithin(FilePlace folder) => folder.Exists && Folders().Contains(folder.Id.Key);

    private static string Full(string path) => path.Length > 0 && !path.Contains('\0', StringComparison.Ordinal)
        ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))
        : throw new MigrationException(FailureKind.Io, "an empty path, or one with a zero byte, names nothing", path);

    /// <summary>The folders that exist from the place up to the root, by the system's own ".."; the place itself first where it is one.</summary>
    private IEnumerable<FileKey> Folders()
    {
        string? folder = isDirectory ? existing : Path.GetDirectoryName(LinkEnd.Of(existing) ?? existing)!;
        FileKey? below = null;
        for (var up = folder; up is not null && FileIdentity.Of(up) is { } found && new FileKey(found) is var key && key != below; up = HostSystem.Current.FolderAbove(up))
        {
            yield return key;
            below = key;
        }
    }
}
