using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>
/// The right to write one target, for one process at a time. It is a lock on a small file beside the target that holds
/// the process's number. The system releases it when the process ends, however it ends. The next holder removes what a
/// killed process has left.
/// </summary>
internal sealed class TargetLock : IDisposable
{
    /// <summary>How often and how long to try again for a lock that is held: a sweep holds it for a moment.</summary>
    private const int Tries = 10;
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);

    private readonly string path;
    private readonly SafeFileHandle handle;

    private TargetLock(string path, SafeFileHandle handle)
    {
        this.path = path;
        this.handle = handle;
    }

    /// <summary>Takes the lock on <paramref name="target"/>, which allows writing it.</summary>
    /// <param name="target">The file or folder.</param>
    /// <param name="wait">Whether to wait for another process that holds it; for targets that are written at once.</param>
    /// <param name="sweep">Whether to look for leftovers though there was no lock's file.</param>
    /// <exception cref="MigrationException">Another process holds the lock.</exception>
    /// <exception cref="IOException">The lock's file cannot be made.</exception>
    public static TargetLock Acquire(string target, bool wait = false, bool sweep = false)
    {
        var name = TemporaryName.LockFor(target);
        for (var tries = 1; ; tries++)
        {
            if (FileIdentity.OfLink(name) is { IsLink: false, Special: { } special })
            {
                throw new MigrationException(FailureKind.Target, $"this is no regular file but {special}, where a lock is to be", name);
            }

            if (Lock(name, wait, out var isNew) is not { } file)
            {
                // A system that cannot wait for a lock is asked again.
                if (tries >= Tries && !wait)
                {
                    throw new MigrationException(FailureKind.Target, $"another run of qkvmigrate{Holder(name)} is writing it", target);
                }

                SyncGroup.WhileWaiting(() => Thread.Sleep(Moment));
                continue;
            }

            // The holder before may have removed the file between the two calls: then the lock is on a file of no name.
            if (FileIdentity.OfLink(name) is { } named && named.IsSameFile(FileIdentity.Of(file)))
            {
                var acquired = new TargetLock(name, file);
                try
                {
                    PositionedWrite.All(file, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);

                    // What a killed process left of the target, it left beside its lock's file: no lock, no leftovers, and no
                    // need to look through a folder that may have many thousand files for each of them.
                    if (!isNew || sweep)
                    {
                        Sweep(target);
                    }

                    return acquired;
                }
                catch
                {
                    acquired.Dispose();
                    throw;
                }
            }

            file.Dispose();
        }
    }

    /// <summary>
    /// Takes away what killed processes have left in <paramref name="folder"/>; nothing where one is at work. After a power cut the
    /// disk may have a temporary file and not the lock's file that was there first.
    /// </summary>
    public static void SweepFolder(string folder)
    {
        try
        {
            folder = Path.TrimEndingDirectorySeparator(folder);
            var names = Directory.EnumerateFileSystemEntries(folder, ".*", FolderEntries.Flat);
            foreach (var target in names.Select(name => TemporaryName.TargetOfLock(name) ?? TemporaryName.TargetOf(name)).OfType<string>().Distinct().ToList())
            {
                // What is written into a folder that is there has that folder's name, and its lock.
                if (Path.GetFileName(target) != Path.GetFileName(folder) || TrySweep(folder))
                {
                    TrySweep(target);
                }
            }
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            // A folder that is not there, or may not be read, has nothing that could be swept.
        }
    }

    /// <summary>Takes away what a killed process has left of <paramref name="target"/>; nothing where one is at work.</summary>
    public static void SweepLeftovers(string target)
    {
        if (File.Exists(TemporaryName.LockFor(target)))
        {
            TrySweep(target);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Removed while it is locked, so that the file cannot be that of another process.
        Leftover.Remove(() => File.Delete(path));
        handle.Dispose();
    }

    private static bool TrySweep(string target)
    {
        try
        {
            Acquire(target, sweep: true).Dispose();
            return true;
        }
        catch (Exception error) when (IoFailure.IsOne(error) || error is MigrationException)
        {
            // Another process holds the lock, or the folder is not writable. Both are reported when a file is written.
            return false;
        }
    }

    /// <summary>Who waits may wait for another piece of this run's work, which needs its turn to go on.</summary>
    private static SafeFileHandle? Lock(string name, bool wait, out bool isNew)
    {
        var free = HostSystem.Current.Lock(name, wait: false, out isNew);
        if (free is not null || !wait)
        {
            return free;
        }

        var wasMade = false;
        SafeFileHandle? waited = null;
        SyncGroup.WhileWaiting(() => waited = HostSystem.Current.Lock(name, wait, out wasMade));
        isNew = wasMade;
        return waited;
    }

    private static void Sweep(string target)
    {
        // What was to get its name in a folder that is there is written within that.
        var folder = new DirectoryInfo(Path.GetDirectoryName(Path.GetFullPath(target))!);
        var own = new DirectoryInfo(target) is { Exists: true, LinkTarget: null } found ? found.EnumerateFileSystemInfos() : [];
        foreach (var leftover in folder.EnumerateFileSystemInfos().Concat(own).Where(entry => TemporaryName.IsFor(target, entry.Name)))
        {
            if (leftover is DirectoryInfo { LinkTarget: null } directory)
            {
                directory.Delete(recursive: true);
            }
            else
            {
                leftover.Delete();
            }
        }
    }

    /// <summary>Who has the lock, as a message names it; nothing where that cannot be read.</summary>
    private static string Holder(string name)
    {
        try
        {
            using var file = HostSystem.Current.OpenLocked(name);
            var buffer = new byte[16];
            var text = Encoding.ASCII.GetString(buffer, 0, RandomAccess.Read(file, buffer, 0));
            return int.TryParse(text.Split('\n')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var process) ? $" (process {process})" : "";
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            return "";
        }
    }
}
