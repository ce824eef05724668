using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>What .NET and every Unix have (POSIX.1-2008 and flock(2)), and nothing that only one of them has.</summary>
[UnsupportedOSPlatform("windows")]
internal abstract partial class UnixSystem : HostSystem
{
    private const int NotPermitted = 1; // EPERM
    private const int InputOutput = 5; // EIO
    private const int AccessDenied = 13; // EACCES
    private const int IsThere = 17; // EEXIST
    private const int FileTooLarge = 27; // EFBIG
    private const int NoSpace = 28; // ENOSPC
    private const int ReadOnly = 30; // EROFS
    private const int TooManyLinks = 31; // EMLINK
    private const int ExclusiveAtOnce = 6; // LOCK_EX | LOCK_NB

    /// <summary>ENOENT, which is the same everywhere.</summary>
    protected const int NotThere = 2;

    /// <summary>EINVAL, which is the same everywhere.</summary>
    protected const int InvalidArgument = 22;

    /// <summary>The numbers that differ: what says that a call, or its use here, is not there (EOPNOTSUPP, ENOTSUP, ENOSYS).</summary>
    protected abstract bool IsUnsupported(int error);

    /// <summary>EDQUOT.</summary>
    protected abstract int QuotaExceeded { get; }

    /// <summary>EWOULDBLOCK.</summary>
    protected abstract int WouldBlock { get; }

    /// <inheritdoc/>
    public override long MostOpenFiles => OpenFileLimit.Raise();

    /// <inheritdoc/>
    public override string FolderAbove(string folder) => $"{folder}/..";

    /// <inheritdoc/>
    public override Volume VolumeOf(string folder)
    {
        var drive = new DriveInfo(folder);
        return new Volume(TypeOf(drive), drive.AvailableFreeSpace, drive.TotalSize);
    }

    /// <inheritdoc/>
    public override DiskProblem ProblemOf(Exception failure) => failure switch
    {
        DiskException known => known.Problem,
        UnauthorizedAccessException => DiskProblem.AccessDenied,
        _ => failure.HResult switch
        {
            InputOutput => DiskProblem.InputOutput,
            AccessDenied => DiskProblem.AccessDenied,
            FileTooLarge => DiskProblem.FileTooLarge,
            NoSpace => DiskProblem.NoSpace,
            ReadOnly => DiskProblem.ReadOnly,
            var other => other == QuotaExceeded ? DiskProblem.Quota : DiskProblem.Other,
        },
    };

    /// <summary>
    /// fsync(2). .NET's own call (<c>RandomAccess.FlushToDisk</c>, .NET 10) says nothing where the system reports that the bytes
    /// did not get to the disk.
    /// </summary>
    public override void Flush(SafeFileHandle file)
    {
        // What cannot be synced says EINVAL; it has no stronger promise to give.
        if (!Synced(file) && Marshal.GetLastPInvokeError() != InvalidArgument)
        {
            throw SystemError.OfUnix("fsync");
        }
    }

    /// <summary>
    /// fsync(2) of the folder ("Calling fsync() does not necessarily ensure that the entry in the directory ... has also
    /// reached disk").
    /// </summary>
    public override void FlushFolder(string folder)
    {
        using var opened = OpenToRead(folder);
        if (!Synced(opened) && Marshal.GetLastPInvokeError() != InvalidArgument)
        {
            throw SystemError.OfUnix("fsync", folder);
        }
    }

    /// <summary>Looks at what the filesystem says to be free, which need not be what a quota leaves.</summary>
    public override void Allocate(SafeFileHandle target, long length)
    {
        if (FreeBytes(target) is var free && free < length)
        {
            throw new DiskException(DiskProblem.NoSpace, $"{length} bytes are needed, {free} are free");
        }
    }

    /// <inheritdoc/>
    public override UnixFileMode? ModeOf(SafeFileHandle file) => File.GetUnixFileMode(file);

    /// <inheritdoc/>
    public override void SetMode(SafeFileHandle file, UnixFileMode mode) => File.SetUnixFileMode(file, mode);

    /// <inheritdoc/>
    public override void KeepOwner(SafeFileHandle file, FileIdentity other)
    {
        if (IdentityOf(file) is var own && (own.Owner, own.Group) != (other.Owner, other.Group))
        {
            _ = ChangeOwner(file, other.Owner, other.Group);
        }
    }

    /// <inheritdoc/>
    public override void KeepAccess(string folder, string other)
    {
        File.SetUnixFileMode(folder, File.GetUnixFileMode(other));
        if (IdentityOf(other, followLinks: false) is { } old)
        {
            _ = ChangeOwner(folder, old.Owner, old.Group);
        }
    }

    /// <inheritdoc/>
    public override bool HardLink(string path, string newName)
    {
        if (Link(Path.GetFullPath(path), Path.GetFullPath(newName)) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is NotPermitted or TooManyLinks || IsUnsupported(error) ? false : throw SystemError.OfUnix("link", newName);
    }

    /// <summary>
    /// rename(2), which always replaces. Where nothing may be replaced, a file gets its new name as a second one, which is refused
    /// where it is taken, and loses the old. A folder has no second names: its new name is looked up first.
    /// </summary>
    public override void Rename(string path, string newName, bool replace)
    {
        (path, newName) = (Path.GetFullPath(path), Path.GetFullPath(newName));
        if (!replace)
        {
            if (IdentityOf(newName, followLinks: false) is not null)
            {
                throw new IOException($"rename: {Marshal.GetPInvokeErrorMessage(IsThere)} : '{newName}'", IsThere);
            }

            if (IdentityOf(path, followLinks: false) is { IsDirectory: false } && HardLink(path, newName))
            {
                File.Delete(path);
                return;
            }
        }

        if (RenameName(path, newName) != 0)
        {
            throw SystemError.OfUnix("rename", newName);
        }
    }

    /// <summary>By .NET's own use of flock(2): a file that nobody shares is locked. It cannot wait for the lock.</summary>
    public override SafeFileHandle? Lock(string path, bool wait, out bool isNew)
    {
        isNew = false;
        try
        {
            var made = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            isNew = true;
            return made;
        }
        catch (IOException error) when (error.HResult == WouldBlock)
        {
            return null;
        }
        catch (IOException error) when (error.HResult == IsThere)
        {
            // CreateNew follows no link.
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"open: {Marshal.GetPInvokeErrorMessage(NotThere)} : '{path}'", NotThere);
        }

        if (IdentityOf(path, followLinks: false) is { IsLink: true })
        {
            throw new IOException($"a link, where a lock is to be : '{path}'");
        }

        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (error.HResult == WouldBlock || error is FileNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public override SafeFileHandle OpenLocked(string path) => OpenToRead(path);

    /// <inheritdoc/>
    public override bool HasLocks(SafeFileHandle file) => LockDescriptor(file, ExclusiveAtOnce) == 0;

    /// <summary>What the filesystem of an open file has left.</summary>
    protected abstract long FreeBytes(SafeFileHandle file);

    /// <summary>Brings what is open to the disk; false, with the error set, where it did not get there.</summary>
    protected virtual bool Synced(SafeFileHandle opened) => Sync(opened) == 0;

    /// <summary>Opens a file or folder for reading, and takes no lock on it as .NET does.</summary>
    protected static SafeFileHandle OpenToRead(string path)
    {
        var descriptor = Open(path, 0 /* O_RDONLY */);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw SystemError.OfUnix("open", path);
    }

    /// <summary>.NET looks the name up among the mounts, where the root of a changed root (chroot(2)) does not stand.</summary>
    private static string TypeOf(DriveInfo drive)
    {
        try
        {
            return drive.DriveFormat;
        }
        catch (DriveNotFoundException)
        {
            return "unknown";
        }
    }

    // Two arguments, where a third is the permissions of a new file: those of a call whose arguments vary are passed in another way on some processors.
    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle descriptor);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string path, string newName);

    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameName(string path, string newName);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int LockDescriptor(SafeFileHandle descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(SafeFileHandle descriptor, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
