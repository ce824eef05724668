using System.Text.Json;
using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification;

/// <summary>
/// Accounts for all in the second directory that is no file of a checkpoint of the first: records and backups of this tool are held
/// against what they say, and whatever is left is named.
/// </summary>
/// <param name="before">The first directory.</param>
/// <param name="after">The second directory.</param>
/// <param name="files">The checkpoints of the first, and their files.</param>
/// <param name="selection">Which checkpoints were worked on.</param>
/// <param name="isTold">Whether a difference of a file is told already.</param>
/// <param name="log">Takes the differences.</param>
/// <param name="proofs">Takes what was compared, and what was not.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class StrangerComparison(
    TreeListing before,
    TreeListing after,
    CheckpointFiles files,
    CheckpointSelection selection,
    Predicate<string> isTold,
    DifferenceLog log,
    ProofLog proofs,
    CancellationToken cancellation)
{
    private const int LockBytes = 32;

    /// <summary>Compares all of them.</summary>
    public void Compare()
    {
        Unlisted();
        Files();
        foreach (var folder in after.Folders.Except(before.Folders).Where(folder => !after.Files.Concat(after.Folders).Any(path => Path.GetDirectoryName(path) == folder)))
        {
            log.Add($"directory '{folder}'", "the first directory has no such one, and nothing is in it");
        }

        foreach (var (folder, _) in after.Distributed.ExceptBy(before.Distributed.Select(found => found.Folder), found => found.Folder).Where(found => selection.Selects(found.Folder)))
        {
            log.Add($"directory '{folder}'", "it is a distributed checkpoint, which the first directory has not");
        }
    }

    /// <summary>What no migration sees.</summary>
    private void Unlisted()
    {
        var common = new List<string>();
        foreach (var path in after.Others)
        {
            cancellation.ThrowIfCancellationRequested();
            var (name, kind) = (Path.GetFileName(path), after.KindOf(path));
            var place = $"{kind[(kind.IndexOf(' ', StringComparison.Ordinal) + 1)..]} '{path}'";
            if (path == RecordNames.Folder && kind == "a directory")
            {
                new RecordComparison(after.Root, isTold, log, proofs).Compare();
            }
            else if (path == RecordNames.Checksums && after.Others.Contains(RecordNames.Folder))
            {
                // Compared with the records.
            }
            else if (name == RecordNames.Backups && kind == "a file")
            {
                Backups(path);
            }
            else if (BackupRecord.NamesIn(Path.Combine(after.Root, Path.GetDirectoryName(path)!)).Contains(name))
            {
                Backup(path);
            }
            else if (PartsComparison.IsName(name) && kind == "a file")
            {
                new PartsComparison(after.Root, log, proofs).Compare(path);
            }
            else if (TemporaryName.TargetOfLock(path) is not null && IsLock(path))
            {
                proofs.LeaveOut("lock", $"{path}: a run holds it, or one was killed");
            }
            else if (TemporaryName.Is(name))
            {
                log.Add(place, "a run that was killed left it, and nothing says what is in it; remove it");
            }
            else if (RecordNames.Is(name) || name == RecordNames.Folder)
            {
                log.Add(place, "qkvmigrate keeps no such record here");
            }
            else if (before.Others.Contains(path) && before.KindOf(path) == kind)
            {
                common.Add(path);
            }
            else
            {
                log.Add(place, "the first directory has no such thing, and no upgrade makes one");
            }
        }

        LeaveOut("what no upgrade takes along", common, "in both directories");
        LeaveOut("what no upgrade takes along", before.Others.Except(after.Others), "in the first directory alone");
    }

    /// <summary>Files of no checkpoint of the first directory.</summary>
    private void Files()
    {
        var known = before.Files.ToHashSet(StringComparer.Ordinal);
        var strange = after.Files.Where(path => !files.Names.Contains(path) && files.DirectoryOf(path) is null).ToLookup(known.Contains);
        LeaveOut("files of no checkpoint that was asked for", strange[true], "in both directories");
        if (!strange[false].Any())
        {
            return;
        }

        var selected = new CheckpointFiles(after, selection, cancellation);
        var isSelective = selection.Include.Count + selection.Exclude.Count > 0;
        var unselected = new List<string>();
        foreach (var path in strange[false])
        {
            if (isSelective && !selected.Names.Contains(path))
            {
                unselected.Add(path);
            }
            else
            {
                log.Add($"file '{path}'", selected.IsCheckpoint(path) ? "a checkpoint that the first directory has not" : "the first directory has no such file");
            }
        }

        LeaveOut("files of no checkpoint that was asked for", unselected, "in the second directory alone");
    }

    /// <summary>A record of backups; those that are there are compared by themselves.</summary>
    private void Backups(string path)
    {
        using var record = RecordFile.Read(Path.Combine(after.Root, path), $"record '{path}'", RecordForm.Backups, log);
        if (record is null)
        {
            return;
        }

        var folder = Path.GetDirectoryName(path)!;
        var there = BackupRecord.NamesIn(Path.Combine(after.Root, folder));
        var gone = record.RootElement.GetProperty("backups").EnumerateArray()
            .Where(backup => backup.ValueKind == JsonValueKind.Object)
            .Select(backup => backup.GetProperty("name").GetString()!)
            .Where(name => !there.Contains(name))
            .Select(name => Path.Combine(folder, name));
        proofs.Cover("backups", $"{path}: its form; {there.Count} files that it names are the first directory's");
        LeaveOut("backups", gone, $"of {path}, which are not there as it says");
    }

    /// <summary>A backup is the first directory's file of the same name without its suffix.</summary>
    private void Backup(string path)
    {
        var source = before.Files.Where(file => path.StartsWith(file, StringComparison.Ordinal) && file.Length < path.Length).MaxBy(file => file.Length);
        if (source is null)
        {
            log.Add($"file '{path}'", "a backup of no file that the first directory has");
            return;
        }

        FileComparison.CompareCopy(Path.Combine(before.Root, source), Path.Combine(after.Root, path), $"file '{path}'", log, cancellation);
        proofs.Cover("backup", $"{path}: byte by byte with {source}");
    }

    /// <summary>A lock holds the number of a process.</summary>
    private bool IsLock(string path)
    {
        var full = Path.Combine(after.Root, path);
        return FileIdentity.OfLink(full) is { Special: null, Size: <= LockBytes }
            && SourceFile.ReadAll(full, LockBytes, "a lock").All(character => char.IsAsciiDigit((char)character) || character == '\n');
    }

    private void LeaveOut(string subject, IEnumerable<string> paths, string where)
    {
        var all = paths.Order(StringComparer.Ordinal).ToList();
        if (all.Count > 0)
        {
            proofs.LeaveOut(subject, $"{all.Count} {where}: {string.Join(", ", all.Take(3))}{(all.Count > 3 ? ", ..." : "")}");
        }
    }
}
