using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>Linux: bytes are copied inside the kernel, blocks are shared and reserved, and a rename refuses by itself to replace.</summary>
[UnsupportedOSPlatform("windows")]
[UnsupportedOSPlatform("macos")]
internal sealed partial class LinuxSystem : PortableLinuxSystem
{
    private const int Interrupted = 4; // EINTR
    private const int CrossDevice = 18; // EXDEV

    private const int ReadWrite = 2; // O_RDWR
    private const int Create = 0x40; // O_CREAT
    private const int NoFollow = 0x20000; // O_NOFOLLOW on x86
    private const int NoFollowArm = 0x8000; // and on ARM
    private const int Exclusively = 0x80; // O_EXCL
    private const int CloseOnExecute = 0x80000; // O_CLOEXEC
    private const int Exclusive = 2; // LOCK_EX
    private const int AtOnce = 4; // LOCK_NB
    private const int IsThere = 17; // EEXIST

    private static readonly nint RenameNumber = IsX64 ? 316 : 276;

    /// <summary>copy_file_range(2).</summary>
    public override long CopyRange(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length)
    {
        var copied = CopyFileRange(source, ref sourceOffset, target, ref targetOffset, (nuint)length, 0);
        if (copied >= 0)
        {
            return copied;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is InvalidArgument or CrossDevice || IsUnsupported(error) ? -1 : throw SystemError.OfUnix("copy_file_range");
    }

    /// <summary>ioctl_ficlone(2).</summary>
    public override bool Clone(SafeFileHandle source, SafeFileHandle target)
    {
        const nuint clone = 0x40049409; // FICLONE: _IOW(0x94, 9, int)
        var added = false;
        try
        {
            source.DangerousAddRef(ref added);
            return ControlDescriptor(target, clone, source.DangerousGetHandle()) == 0;
        }
        finally
        {
            if (added)
            {
                source.DangerousRelease();
            }
        }
    }

    /// <summary>Reserves the space (fallocate(2)). Where a filesystem cannot, what it says to be free must be enough.</summary>
    public override void Allocate(SafeFileHandle target, long length)
    {
        if (length == 0)
        {
            return;
        }

        int result;
        do
        {
            result = Fallocate(target, 0, 0, length);
        }
        while (result != 0 && Marshal.GetLastPInvokeError() == Interrupted);
        if (result == 0)
        {
            return;
        }

        if (!IsUnsupported(Marshal.GetLastPInvokeError()))
        {
            throw SystemError.OfUnix("fallocate");
        }

        base.Allocate(target, length);
    }

    /// <summary>
    /// syncfs(2), and behind it one fsync(2): that empties the disk's own cache where the filesystem had nothing to put into its
    /// journal, and says so where the journal has failed, which syncfs tells of only in newer kernels.
    /// </summary>
    public override bool FlushTogether(IReadOnlyList<SafeFileHandle> files, string folder, Action<SafeFileHandle, IOException> lose)
    {
        try
        {
            using var opened = OpenToRead(folder);
            if (!LinuxFilesystemSync.IsOffered(opened) || !LinuxFilesystemSync.Run(opened, files, lose))
            {
                return false;
            }

            var witness = files.Count > 0 ? files[0] : opened;
            if (Synced(witness))
            {
                return true;
            }

            lose(witness, SystemError.OfUnix("fsync"));
            return false;
        }
        catch (Exception error) when (IoFailure.IsOne(error) || error is ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>sync_file_range(2).</summary>
    public override void StartWriteback(SafeFileHandle target, long offset, long length) =>
        _ = SyncFileRange(target, offset, length, 2 /* SYNC_FILE_RANGE_WRITE */);

    /// <summary>renameat2(2). NFS and other filesystems cannot refuse to replace (EINVAL): there it is done as everywhere.</summary>
    public override void Rename(string path, string newName, bool replace)
    {
        if (replace)
        {
            base.Rename(path, newName, replace);
            return;
        }

        (path, newName) = (Path.GetFullPath(path), Path.GetFullPath(newName));
        if (RenameAt2(RenameNumber, WorkingDirectory, path, WorkingDirectory, newName, 1 /* RENAME_NOREPLACE */) == 0)
        {
            return;
        }

        if (Marshal.GetLastPInvokeError() is var error && error != InvalidArgument && !IsUnsupported(error))
        {
            throw SystemError.OfUnix("rename", newName);
        }

        base.Rename(path, newName, replace);
    }

    /// <summary>flock(2), which can wait. Where a filesystem has no locks, the lock is free.</summary>
    public override SafeFileHandle? Lock(string path, bool wait, out bool isNew)
    {
        var file = OpenLock(path, out isNew);
        if (LockDescriptor(file, wait ? Exclusive : Exclusive | AtOnce) == 0 || Marshal.GetLastPInvokeError() != WouldBlock)
        {
            return file;
        }

        file.Dispose();
        return null;
    }

    /// <summary>fcntl(2), F_SETLEASE: who wants a lease on reading is refused while anybody writes. Only a file's owner may want one.</summary>
    public override bool IsOpenForWriting(string path)
    {
        const int setLease = 1024;
        const int read = 0;
        const int unlock = 2;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (ControlFile(file, setLease, read) != 0)
        {
            return Marshal.GetLastPInvokeError() == WouldBlock;
        }

        _ = ControlFile(file, setLease, unlock);
        return false;
    }

    private static SafeFileHandle OpenLock(string path, out bool isNew)
    {
        var noFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? NoFollowArm : NoFollow;
        var flags = ReadWrite | Create | noFollow | CloseOnExecute;
        const uint mode = 0x1b6; // 0666, less the mask
        var descriptor = Open(path, flags | Exclusively, mode);
        isNew = descriptor >= 0;
        if (!isNew && Marshal.GetLastPInvokeError() == IsThere)
        {
            descriptor = Open(path, flags, mode);
        }

        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw SystemError.OfUnix("open", path);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int LockDescriptor(SafeFileHandle descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(
        SafeFileHandle source, ref long sourceOffset, SafeFileHandle target, ref long targetOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int ControlDescriptor(SafeFileHandle descriptor, nuint request, nint argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int ControlFile(SafeFileHandle descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle descriptor, long offset, long length, uint flags);

    // By its number, because musl has the function only since 1.2.6.
    [LibraryImport("libc", EntryPoint = "syscall", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial nint RenameAt2(nint number, nint folder, string path, nint newFolder, string newName, nint flags);
}
