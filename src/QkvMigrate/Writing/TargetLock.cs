using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>
/// The right to write one target, for one process at a time. It is a lock on a small file beside the target that holds
/// the process's number. The system releases it when the process ends, however it ends. The next holder removes what a
/// killed process has left.
/// </summary>
internal sealed partial class TargetLock : IDisposable
{
    private const int ReadWrite = 2; // O_RDWR
    private const int Create = 0x40; // O_CREAT
    private const int NoFollow = 0x20000; // O_NOFOLLOW on x86
    private const int NoFollowArm = 0x8000; // and on ARM
    private const int Exclusively = 0x80; // O_EXCL
    private const int CloseOnExecute = 0x80000; // O_CLOEXEC
    private const int Exclusive = 2; // LOCK_EX
    private const int AtOnce = 4; // LOCK_NB
    private const int WouldBlock = 11; // EWOULDBLOCK
    private const int IsThere = 17; // EEXIST

    /// <summary>How often and how long to try again for a lock that is held: a sweep holds it for a moment.</summary>
    private const int Tries = 10;
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);

    private static readonly EnumerationOptions Hidden = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
    };

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
    /// <exception cref="MigrationException">Another process holds the lock.</exception>
    /// <exception cref="IOException">The lock's file cannot be made.</exception>
    public static TargetLock Acquire(string target, bool wait = false)
    {
        var name = TemporaryName.LockFor(target);
        for (var tries = 1; ; tries++)
        {
            var file = OpenFile(name, out var isNew);
            if (FileIdentity.Of(file).Special is { } special)
            {
                using (file)
                {
                    throw new MigrationException(FailureKind.Target, $"this is no regular file but {special}, where a lock is to be", name);
                }
            }

            if (!TryLock(file, wait))
            {
                if (tries < Tries)
                {
                    file.Dispose();
                    Thread.Sleep(Moment);
                    continue;
                }

                using (file)
                {
                    throw new MigrationException(FailureKind.Target, $"another run of qkvmigrate{Holder(file)} is writing it", target);
                }
            }

            // The holder before may have removed the file between the two calls: then the lock is on a file of no name.
            if (FileIdentity.Of(name) is { } named && named.IsSameFile(FileIdentity.Of(file)))
            {
                var acquired = new TargetLock(name, file);
                try
                {
                    Posix.Write(file, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);

                    // What a killed process left of the target, it left beside its lock's file: no lock, no leftovers, and no
                    // need to look through a folder that may have many thousand files for each of them.
                    if (!isNew)
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

    /// <summary>Whether the filesystem of an open file has locks. The file is locked until it is closed.</summary>
    public static bool Locks(SafeFileHandle file) => Flock(file, Exclusive | AtOnce) == 0;

    /// <summary>Takes away what killed processes have left in <paramref name="folder"/>; nothing where one is at work.</summary>
    public static void SweepFolder(string folder)
    {
        try
        {
            foreach (var target in Directory.EnumerateFiles(folder, ".*", Hidden).Select(TemporaryName.TargetOfLock).OfType<string>().ToList())
            {
                SweepLeftovers(target);
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
        if (!File.Exists(TemporaryName.LockFor(target)))
        {
            return;
        }

        try
        {
            Acquire(target).Dispose();
        }
        catch (Exception error) when (IoFailure.IsOne(error) || error is MigrationException)
        {
            // Another process holds the lock, or the folder is not writable. Both are reported when a file is written.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Removed while it is locked, so that the file cannot be that of another process.
        File.Delete(path);
        handle.Dispose();
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

    private static SafeFileHandle OpenFile(string name, out bool isNew)
    {
        var noFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? NoFollowArm : NoFollow;
        var flags = ReadWrite | Create | noFollow | CloseOnExecute;
        const uint mode = 0x1b6; // 0666, less the mask
        var descriptor = Open(name, flags | Exclusively, mode);
        isNew = descriptor >= 0;
        if (!isNew && Marshal.GetLastPInvokeError() == IsThere)
        {
            descriptor = Open(name, flags, mode);
        }

        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw PosixError.Failure("open", name);
    }

    /// <summary>Whether the lock was free. Where a filesystem has no locks, it is.</summary>
    private static bool TryLock(SafeFileHandle file, bool wait) =>
        Flock(file, wait ? Exclusive : Exclusive | AtOnce) == 0 || Marshal.GetLastPInvokeError() != WouldBlock;

    private static string Holder(SafeFileHandle file)
    {
        var buffer = new byte[16];
        var text = Encoding.ASCII.GetString(buffer, 0, RandomAccess.Read(file, buffer, 0));
        return int.TryParse(text.Split('\n')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var process) ? $" (process {process})" : "";
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle descriptor, int operation);
}
