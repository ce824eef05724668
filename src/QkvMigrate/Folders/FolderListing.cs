using QkvMigrate.Checkpoints;
using QkvMigrate.Writing;

namespace QkvMigrate.Folders;

/// <summary>
/// What of a directory concerns those who walk through trees, whether they migrate or verify: files that are being
/// written, records, backups that are known as such, FIFOs and devices are nobody's, and directories behind links are not entered.
/// </summary>
/// <param name="Files">The names of the files in it, in order.</param>
/// <param name="Folders">The names of the directories in it, in order.</param>
internal sealed record FolderListing(IReadOnlyList<string> Files, IReadOnlyList<string> Folders)
{
    private static readonly EnumerationOptions Flat = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false, RecurseSubdirectories = false };

    private static readonly HashSet<string> TextEndings = new(StringComparer.OrdinalIgnoreCase) { ".yaml", ".yml", ".json", ".jsonl", ".txt", ".md", ".py", ".sh", ".csv", ".log", ".html" };

    /// <summary>Lists <paramref name="directory"/>.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="MigrationException">It has a record of backups that is none.</exception>
    public static FolderListing Of(string directory)
    {
        var backups = BackupRecord.NamesIn(directory);
        var hasRecord = RecordNames.AreIn(directory);
        var folder = new DirectoryInfo(directory);
        return new FolderListing(
            Names(folder.EnumerateFiles("*", Flat).Where(file => !(hasRecord && file.Name == RecordNames.Checksums) && !RecordNames.Is(file.Name) && !backups.Contains(file.Name) && IsFile(file.FullName))),
            Names(folder.EnumerateDirectories("*", Flat).Where(child => child.LinkTarget is null && child.Name != RecordNames.Folder && !ContentStore.IsOne(child.FullName))));
    }

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
            return FileIdentity.Of(path) is not null && !TextEndings.Contains(Path.GetExtension(path));
        }
    }

    private static IReadOnlyList<string> Names(IEnumerable<FileSystemInfo> entries) =>
        [.. entries.Select(entry => entry.Name).Where(name => !TemporaryName.Is(name)).Order(StringComparer.Ordinal)];

    /// <summary>A link that leads nowhere is taken for a file, which fails where it has to come along.</summary>
    private static bool IsFile(string path) => FileIdentity.Of(path)?.Special is null;
}
