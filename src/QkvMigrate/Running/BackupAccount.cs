using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>Keeps the <see cref="BackupRecord"/> of a directory true while backups are made in it.</summary>
internal static class BackupAccount
{
    /// <summary>Writes down, durably, that <paramref name="file"/> is about to be kept under the name <paramref name="backup"/> beside it.</summary>
    /// <exception cref="MigrationException">The record cannot be read or written.</exception>
    public static void Add(string file, string backup)
    {
        var stamp = BackupStamp.Of(file, Path.GetFileName(backup));
        DurableFile.WriteShared(
            BackupRecord.PathFor(backup),
            () => BackupRecord.Bytes([.. BackupRecord.Others(backup).Append(stamp).OrderBy(known => known.Name, StringComparer.Ordinal)]));
    }

    /// <summary>Takes back what <see cref="Add"/> wrote, where no backup was made.</summary>
    /// <exception cref="MigrationException">The record cannot be read or written.</exception>
    public static void Remove(string backup)
    {
        var path = BackupRecord.PathFor(backup);
        if (Path.Exists(backup) || FileIdentity.Of(path) is null)
        {
            return;
        }

        if (BackupRecord.Others(backup).Any())
        {
            DurableFile.WriteShared(path, () => BackupRecord.Bytes([.. BackupRecord.Others(backup)]));
        }
        else
        {
            File.Delete(path);
        }
    }
}
