using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Writing;

/// <summary>The few system calls of Linux that .NET has no name for.</summary>
internal static partial class Posix
{
    private const int InvalidArgument = 22; // EINVAL
    private const int CrossDevice = 18; // EXDEV
    private const int NoSystemCall = 38; // ENOSYS
    private const int NotSupported = 95; // EOPNOTSUPP

    /// <summary>Makes a rename in <paramref name="folder"/> durable: fsync of the folder (fsync(2), "Calling fsync() does not necessarily ensure that the entry in the directory ... has also reached disk").</summary>
    public static void FlushFolder(string folder)
    {
        var descriptor = Open(folder, 0);
        if (descriptor < 0)
        {
            throw Failure("open", folder);
        }

        try
        {
            // A filesystem that cannot sync a folder says EINVAL; it has no stronger promise to give.
            if (Fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
            {
                throw Failure("fsync", folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
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

        return Marshal.GetLastPInvokeError() is InvalidArgument or CrossDevice or NoSystemCall or NotSupported ? -1 : throw Failure("copy_file_range", null);
    }

    /// <summary>Gives <paramref name="path"/> a second name; never replaces one.</summary>
    public static void HardLink(string path, string newName)
    {
        if (Link(path, newName) != 0)
        {
            throw Failure("link", newName);
        }
    }

    /// <summary>Renames; refuses to replace where <paramref name="replace"/> is false, without a moment between test and rename.</summary>
    public static void Rename(string path, string newName, bool replace)
    {
        const int current = -100; // AT_FDCWD
        if (RenameAt2(current, path, current, newName, replace ? 0u : 1u /* RENAME_NOREPLACE */) != 0)
        {
            throw Failure("rename", newName);
        }
    }

    private static IOException Failure(string call, string? path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)}{(path is null ? "" : $" : '{path}'")}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(SafeFileHandle source, ref long sourceOffset, SafeFileHandle target, ref long targetOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string path, string newName);

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int folder, string path, int newFolder, string newName, uint flags);
}
