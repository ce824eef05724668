using System.Runtime.InteropServices;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>System calls of Linux on names of files and folders that .NET has no name for.</summary>
internal static partial class PosixNames
{
    /// <summary>
    /// Makes a rename in <paramref name="folder"/> durable: fsync of the folder (fsync(2), "Calling fsync() does not
    /// necessarily ensure that the entry in the directory ... has also reached disk").
    /// </summary>
    public static void FlushFolder(string folder)
    {
        var descriptor = Open(folder, 0);
        if (descriptor < 0)
        {
            throw PosixError.Failure("open", folder);
        }

        try
        {
            // A filesystem that cannot sync a folder says EINVAL; it has no stronger promise to give.
            if (Fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() != PosixError.InvalidArgument)
            {
                throw PosixError.Failure("fsync", folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Gives <paramref name="path"/> a second name, and never replaces one; false where the filesystem has no second names.</summary>
    public static bool HardLink(string path, string newName)
    {
        if (Link(Path.GetFullPath(path), Path.GetFullPath(newName)) == 0)
        {
            return true;
        }

        var isUnable = Marshal.GetLastPInvokeError()
            is PosixError.NotPermitted or PosixError.NotSupported or PosixError.NoSystemCall or PosixError.TooManyLinks;
        return isUnable ? false : throw PosixError.Failure("link", newName);
    }

    /// <summary>
    /// Renames; refuses to replace where <paramref name="replace"/> is false. NFS and other filesystems cannot refuse by
    /// themselves (rename(2), EINVAL): there the name is looked up first.
    /// </summary>
    public static void Rename(string path, string newName, bool replace)
    {
        const int current = -100; // AT_FDCWD
        (path, newName) = (Path.GetFullPath(path), Path.GetFullPath(newName));
        var result = RenameAt2(current, path, current, newName, replace ? 0u : 1u /* RENAME_NOREPLACE */);
        if (result != 0 && !replace && Marshal.GetLastPInvokeError() is (PosixError.InvalidArgument or PosixError.NoSystemCall) && !Path.Exists(newName))
        {
            result = RenameAt2(current, path, current, newName, 0);
        }

        if (result != 0)
        {
            throw PosixError.Failure("rename", newName);
        }
    }

    /// <summary>Gives a folder to another owner; false where this process may not.</summary>
    public static bool ChangeOwner(string folder, uint owner, uint group) => Chown(folder, owner, group) == 0;

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string path, string newName);

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameAt2(int folder, string path, int newFolder, string newName, uint flags);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Chown(string path, uint owner, uint group);
}
