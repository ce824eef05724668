using QkvMigrate.Checkpoints;
using QkvMigrate.Files;

namespace QkvMigrate.Folders;

/// <summary>
/// The files and folders of a directory, for all who walk through trees, whether they migrate or verify. Not listed are files that
/// are being written, records, recorded backups, FIFOs and devices. A link to a directory is listed as a file, and so is one that a run
/// has left under another name, which is told where it is opened.
/// </summary>
/// <param name="Files">The names of the files in it, in order.</param>
/// <param name="Folders">The names of the directories in it, in order.</param>
internal sealed record FolderListing(IReadOnlyList<string> Files, IReadOnlyList<string> Folders)
{
    private static readonly EnumerationOptions Flat = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
    };

    private static readonly HashSet<string> TextEndings = new(StringComparer.OrdinalIgnoreCase)
    {
        ".yaml", ".yml", ".json", ".jsonl", ".txt", ".md", ".py", ".sh", ".csv", ".log", ".html",
    };

    /// <summary>U+FFFD, which .NET puts for bytes that are no UTF-8.</summary>
    private const char Replacement = '\ufffd';

    /// <summary>Lists <paramref name="directory"/>.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="MigrationException">It has a record of backups that is none.</exception>
    public static FolderListing Of(string directory)
    {
        // First of all: a folder that may not be read is told as such, and not as a record in it that may be there.
        var all = new DirectoryInfo(directory).GetFileSystemInfos("*", Flat);
        var backups = BackupRecord.NamesIn(directory);
        var hasRecord = RecordNames.AreIn(directory);
        var entries = all
            .Where(entry => !IsOurs(entry.Name))
            .ToLookup(Kind);
        var away = all.Where(entry => TemporaryName.IsOfInPlace(entry.Name)).Select(entry => InPlacePair.Of(entry.FullName)).Where(pair => pair.IsAway);
        var files = entries[EntryKind.File].Select(entry => entry.Name).Union(away.Select(pair => Path.GetFileName(pair.Path)), StringComparer.Ordinal);
        return new FolderListing([.. files.Order(StringComparer.Ordinal)], Names(entries[EntryKind.Folder]))
        {
            Unnameable = [.. entries[EntryKind.Unnameable].DistinctBy(entry => entry.Name)],
        };

        bool IsOurs(string name) =>
            TemporaryName.Is(name)
            || TemporaryName.IsOfInPlace(name)
            || RecordNames.Is(name)
            || backups.Contains(name)
            || (hasRecord && name == RecordNames.Checksums);
    }

    /// <summary>What has a name that is no UTF-8, which .NET cannot give back to the system; the name that it makes of it leads nowhere.</summary>
    public IReadOnlyList<FileSystemInfo> Unnameable { get; private init; } = [];

    /// <summary>
    /// Whether a file of a listing is to be worked on as a checkpoint. What may not be read is, so that its directory is
    /// refused and not half done, unless its name is one of text; a link that leads nowhere is not.
    /// </summary>
    public static bool LooksLikeCheckpoint(string path)
    {
        try
        {
            return Checkpoint.LooksLikeOne(path);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Io)
        {
            return InPlacePair.Of(path).IsAway || (FileIdentity.Of(path) is not null && !TextEndings.Contains(Path.GetExtension(path)));
        }
    }

    private static IReadOnlyList<string> Names(IEnumerable<FileSystemInfo> entries) =>
        [.. entries.Select(entry => entry.Name).Order(StringComparer.Ordinal)];

    private static EntryKind Kind(FileSystemInfo entry)
    {
        if (entry.Name.Contains(Replacement, StringComparison.Ordinal) && FileIdentity.OfLink(entry.FullName) is null)
        {
            return EntryKind.Unnameable;
        }

        // A link that leads to a directory or nowhere is a file: it comes along as a link.
        return entry is DirectoryInfo { LinkTarget: null }
            ? entry.Name == RecordNames.Folder || ContentStore.IsOne(entry.FullName) ? EntryKind.Nobodys : EntryKind.Folder
            : FileIdentity.Of(entry.FullName) is not { } file || file.Special is null || (file.IsDirectory && entry.LinkTarget is not null) ? EntryKind.File
            : EntryKind.Nobodys;
    }

    private enum EntryKind
    {
        Nobodys,
        File,
        Folder,
        Unnameable,
    }
}
