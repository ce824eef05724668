using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>What the filesystem of a folder can do for a new file, found out by trying.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Type">The filesystem's name, such as <c>ext4</c>; <c>unknown</c> where the system does not say.</param>
/// <param name="FreeBytes">What this user may still write.</param>
/// <param name="TotalBytes">The size of the filesystem.</param>
/// <param name="Tried">What was tried, or null where the folder may not be written.</param>
/// <param name="Problem">Why the folder may not be written, or null.</param>
public sealed record FilesystemProbe(string Folder, string Type, long FreeBytes, long TotalBytes, FilesystemAbilities? Tried, string? Problem)
{
    private const int ProbeBytes = 4096;

    /// <summary>Tries the filesystem of <paramref name="path"/>, a folder or a file in it. Nothing is left behind.</summary>
    /// <exception cref="MigrationException">There is nothing of this name.</exception>
    public static FilesystemProbe Of(string path)
    {
        var whole = Path.GetFullPath(path);
        var folder = Directory.Exists(whole) ? whole
            : File.Exists(whole) ? Path.GetDirectoryName(whole)!
            : throw new MigrationException(FailureKind.Io, "no such file or directory", path);
        var volume = HostSystem.Current.VolumeOf(folder);
        var probe = new FilesystemProbe(folder, volume.Type, volume.FreeBytes, volume.TotalBytes, null, null);
        try
        {
            using var source = NamelessFile(folder);
            using var target = NamelessFile(folder);
            PositionedWrite.All(source, new byte[ProbeBytes], 0);
            var clones = HostSystem.Current.Clone(source, target);
            var copies = HostSystem.Current.CopyRange(source, 0, target, 0, ProbeBytes) > 0;
            return probe with { Tried = new FilesystemAbilities(clones, copies, HostSystem.Current.HasLocks(target)) };
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            return probe with { Problem = IoFailure.Of(error, folder).Problem };
        }
    }

    /// <summary>A file that is gone when it is closed, and whose name is gone already.</summary>
    private static SafeFileHandle NamelessFile(string folder)
    {
        var path = Path.Combine(folder, $".qkvmigrate-probe.{Guid.NewGuid():N}");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Write | FileShare.Delete);
        File.Delete(path);
        return file;
    }
}

/// <summary>What a filesystem can do.</summary>
/// <param name="Reflink">Whether files can share blocks, so that only what differs is written (ioctl_ficlone(2)).</param>
/// <param name="KernelCopy">Whether bytes are copied without a way through this process (copy_file_range(2)).</param>
/// <param name="Locks">Whether two runs on one target notice each other (flock(2)).</param>
public sealed record FilesystemAbilities(bool Reflink, bool KernelCopy, bool Locks);
