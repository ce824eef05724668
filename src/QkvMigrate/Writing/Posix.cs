using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>System calls of Linux on open files that .NET has no name for.</summary>
internal static partial class Posix
{
    /// <summary>
    /// Bytes of one write. A filesystem with large folios (ext4 since Linux 6.16, XFS) takes memory for its page cache in
    /// pieces as large as a write; a virtual machine has given such pieces back to its host, and to get 2 GB of them anew
    /// was measured to take four times as long as the whole write does in pieces of this size.
    /// </summary>
    private const int WriteBytes = 64 << 10;

    /// <summary>
    /// Brings a file's bytes to the disk. .NET's own call (<c>RandomAccess.FlushToDisk</c>, .NET 10) says nothing where the
    /// system reports that they did not get there.
    /// </summary>
    /// <exception cref="IOException">They did not, or may not have.</exception>
    public static void Flush(SafeFileHandle file)
    {
        if (Fsync(file) != 0 && Marshal.GetLastPInvokeError() != PosixError.InvalidArgument)
        {
            throw PosixError.Failure("fsync", null);
        }
    }

    /// <summary>
    /// Copies inside the kernel, sharing blocks where the filesystem can. Returns the bytes copied, 0 at the end of the
    /// source, or −1 where the two files do not allow it.
    /// </summary>
    public static long CopyRange(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length)
    {
        var copied = CopyFileRange(source, ref sourceOffset, target, ref targetOffset, (nuint)length, 0);
        if (copied >= 0)
        {
            return copied;
        }

        var isUnable = Marshal.GetLastPInvokeError()
            is PosixError.InvalidArgument or PosixError.CrossDevice or PosixError.NoSystemCall or PosixError.NotSupported;
        return isUnable ? -1 : throw PosixError.Failure("copy_file_range", null);
    }

    /// <summary>Has <paramref name="target"/> share all blocks of <paramref name="source"/>; false where the filesystem cannot (ioctl_ficlone(2)).</summary>
    public static bool Clone(SafeFileHandle source, SafeFileHandle target)
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

    /// <summary>
    /// Reserves the disk space of a file, so that a disk too small is told before the first byte. Where a filesystem
    /// cannot reserve, what it says to be free must be enough.
    /// </summary>
    /// <exception cref="IOException">There is not enough space.</exception>
    public static void Allocate(SafeFileHandle target, long length)
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
        while (result != 0 && Marshal.GetLastPInvokeError() == PosixError.Interrupted);
        if (result == 0)
        {
            return;
        }

        if (Marshal.GetLastPInvokeError() is not (PosixError.NotSupported or PosixError.NoSystemCall))
        {
            throw PosixError.Failure("fallocate", null);
        }

        var free = new DriveInfo($"/proc/self/fd/{target.DangerousGetHandle()}").AvailableFreeSpace;
        if (free < length)
        {
            throw new IOException($"{length} bytes are needed, {free} are free", PosixError.NoSpace);
        }
    }

    /// <summary>Writes all of <paramref name="bytes"/> at <paramref name="offset"/>.</summary>
    /// <exception cref="IOException">The system cannot, with its error's number as the result.</exception>
    public static void Write(SafeFileHandle target, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            for (var done = 0; done < bytes.Length; done += WriteBytes)
            {
                RandomAccess.Write(target, bytes.Slice(done, Math.Min(WriteBytes, bytes.Length - done)), offset + done);
            }
        }
        catch (ArgumentOutOfRangeException error)
        {
            // .NET's way to say EFBIG, which an argument of this call cannot cause: the length of the file was checked.
            throw new IOException(error.Message, PosixError.FileTooLarge);
        }
    }

    /// <summary>Gives the open file to another owner; false where this process may not.</summary>
    public static bool ChangeOwner(SafeFileHandle target, uint owner, uint group) => Fchown(target, owner, group) == 0;

    /// <summary>
    /// Has the disk begin to write a range that was just written, so that the sync at the end finds little left
    /// (sync_file_range(2)). Only a hint.
    /// </summary>
    public static void StartWriteback(SafeFileHandle target, long offset, long length) =>
        _ = SyncFileRange(target, offset, length, 2 /* SYNC_FILE_RANGE_WRITE */);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle descriptor);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(
        SafeFileHandle source, ref long sourceOffset, SafeFileHandle target, ref long targetOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int ControlDescriptor(SafeFileHandle descriptor, nuint request, nint argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int Fchown(SafeFileHandle descriptor, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle descriptor, long offset, long length, uint flags);
}
