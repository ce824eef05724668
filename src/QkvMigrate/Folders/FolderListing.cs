using System.IO.Enumeration;
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
        var all = new FileSystemEnumerable<Entry>(directory, (ref found) => new Entry(found.FileName.ToString(), found.IsDirectory), FolderEntries.Flat).ToList();
        IReadOnlySet<string> backups = Has(RecordNames.Backups) ? BackupRecord.NamesIn(directory) : new HashSet<string>();
        var hasRecord = Has(RecordNames.Folder) && RecordNames.AreIn(directory);
        var links = new HashSet<string>(StringComparer.Ordinal);
        var entries = all
            .Where(entry => !IsOurs(entry.Name))
            .ToLookup(entry => Kind(directory, entry, links), entry => entry.Name);
        var away = all.Where(entry => TemporaryName.IsOfInPlace(entry.Name)).Select(entry => InPlacePair.Of(Path.Combine(directory, entry.Name))).Where(pair => pair.IsAway);
        var files = entries[EntryKind.File].Union(away.Select(pair => Path.GetFileName(pair.Path)), StringComparer.Ordinal);
        return new FolderListing([.. files.Order(StringComparer.Ordinal)], [.. entries[EntryKind.Folder].Order(StringComparer.Ordinal)])
        {
            Links = links,
            Unnameable = entries.Contains(EntryKind.Unnameable) ? UnnameableIn(directory, entries[EntryKind.Unnameable]) : [],
        };

        bool Has(string name) => all.Exists(entry => entry.Name == name);

        bool IsOurs(string name) =>
            TemporaryName.Is(name)
            || TemporaryName.IsOfInPlace(name)
            || RecordNames.Is(name)
            || backups.Contains(name)
            || (hasRecord && name == RecordNames.Checksums);
    }

    /// <summary>Those of <see cref="Files"/> that are links, to whatever.</summary>
    public IReadOnlySet<string> Links { get; private init; } = new HashSet<string>();

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

    private static IReadOnlyList<FileSystemInfo> UnnameableIn(string directory, IEnumerable<string> names)
    {
        var known = names.ToHashSet(StringComparer.Ordinal);
        return [.. new DirectoryInfo(directory).EnumerateFileSystemInfos("*", FolderEntries.Flat).Where(entry => known.Contains(entry.Name)).DistinctBy(entry => entry.Name)];
    }

    private static EntryKind Kind(string directory, Entry entry, HashSet<string> links)
    {
        var path = Path.Combine(directory, entry.Name);
        var named = FileIdentity.OfLink(path);
        if (named is null && entry.Name.Contains(Replacement, StringComparison.Ordinal))
        {
            return EntryKind.Unnameable;
        }

        // A link that leads to a directory or nowhere is a file: it comes along as a link.
        var isLink = named is { IsLink: true };
        if (entry.IsDirectory && !(isLink && new DirectoryInfo(path).LinkTarget is not null))
        {
            return entry.Name == RecordNames.Folder || ContentStore.IsOne(path) ? EntryKind.Nobodys : EntryKind.Folder;
        }

        var file = isLink ? FileIdentity.Of(path) : named;
        if (file is { IsDirectory: false, Special: not null })
        {
            return EntryKind.Nobodys;
        }

        if (isLink)
        {
            links.Add(entry.Name);
        }

        return EntryKind.File;
    }

    /// <summary>A name in a folder, and whether it leads to a directory, by itself or as a link.</summary>
    private readonly record struct Entry(string Name, bool IsDirectory);

    private enum EntryKind
    {
        Nobodys,
        File,
        Folder,
        Unnameable,
    }
}
