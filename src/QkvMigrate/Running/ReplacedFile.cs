using QkvMigrate.Files;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>A file that a new one replaces: where it really is, and under which name it is kept.</summary>
internal static class ReplacedFile
{
    /// <summary>Where the old file is kept when <paramref name="path"/> is replaced, or null.</summary>
    public static string? BackupOf(string path, MigrationRequest request) =>
        request is { InPlace: true, BackupSuffix: { } suffix } ? path + suffix : null;

    /// <summary>
    /// Gives a written file its name. Where a backup is asked for, it is written down first, and the file that is replaced gets
    /// the backup's name.
    /// </summary>
    public static void Commit(DurableFile file, string path, MigrationRequest request)
    {
        var backup = File.Exists(path) ? BackupOf(path, request) : null;
        if (backup is null)
        {
            file.Commit();
            return;
        }

        Announce(path, backup);
        try
        {
            file.Commit(backup: backup);
        }
        catch (MigrationException)
        {
            BackupAccount.Remove(backup);
            throw;
        }
    }

    /// <summary>Writes down that <paramref name="backup"/> will be the backup of <paramref name="path"/>.</summary>
    public static void Announce(string path, string backup)
    {
        try
        {
            BackupAccount.Add(path, backup);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Io)
        {
            throw new MigrationException(error.Kind, error.Problem, path, inner: error);
        }
    }

    /// <summary>A link is followed to its end, so that the file is replaced and the link stays.</summary>
    public static string FinalTarget(string path) =>
        File.Exists(path) ? LinkEnd.Of(path) ?? path : path;
}
