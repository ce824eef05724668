using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>Windows's calls on names of files and folders that .NET has no name for (fileapi.h, winbase.h).</summary>
[SupportedOSPlatform("windows")]
internal static partial class WindowsNames
{
    public const uint ReadAttributes = 0x80; // FILE_READ_ATTRIBUTES
    public const uint Write = 0x40000000; // GENERIC_WRITE
    public const uint Delete = 0x110000; // DELETE | SYNCHRONIZE

    private const uint ShareAll = 7;
    private const uint OpenExisting = 3;
    private const uint FoldersToo = 0x02000000; // FILE_FLAG_BACKUP_SEMANTICS
    private const uint LinkItself = 0x00200000; // FILE_FLAG_OPEN_REPARSE_POINT
    private const uint ReplaceExisting = 1;
    private const uint WriteThrough = 8;

    /// <summary>Windows takes longer paths only where they say so (Naming Files, Paths, and Namespaces); that of a folder has room for a name of 12 in it.</summary>
    private const int LongestPath = 247;

    /// <summary>Opens a file or folder; the handle is invalid, and the error set, where that cannot be.</summary>
    public static SafeFileHandle Open(string path, uint access, bool followLinks) =>
        CreateFile(Whole(path), access, ShareAll, 0, OpenExisting, followLinks ? FoldersToo : FoldersToo | LinkItself, 0);

    public static bool HardLink(string path, string newName) => CreateHardLink(Whole(newName), Whole(path), 0);

    public static bool Move(string path, string newName, bool replace) => MoveFileEx(Whole(path), Whole(newName), replace ? ReplaceExisting | WriteThrough : WriteThrough);

    public static bool Flush(SafeFileHandle opened) => FlushFileBuffers(opened);

    /// <summary>The path of an open file or folder with all links followed, or null where the system does not say.</summary>
    public static string? FinalPath(SafeFileHandle opened)
    {
        var buffer = new char[1024];
        var length = GetFinalPathNameByHandle(opened, buffer, buffer.Length, 0);
        if (length > buffer.Length)
        {
            buffer = new char[length];
            length = GetFinalPathNameByHandle(opened, buffer, buffer.Length, 0);
        }

        return length == 0 || length > buffer.Length ? null : new string(buffer, 0, length);
    }

    /// <summary>The filesystem of a folder, which need not have a letter.</summary>
    public static Volume VolumeOf(string folder)
    {
        var path = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
        if (!GetDiskFreeSpaceEx(Whole(path), out var free, out var total, out _))
        {
            throw SystemError.OfWindows("GetDiskFreeSpaceEx", folder);
        }

        var root = new char[path.Length + 64];
        var type = new char[64];
        var isKnown = GetVolumePathName(path, root, root.Length) && GetVolumeInformation(root, null, 0, out _, out _, out _, type, type.Length);
        return new Volume(isKnown ? new string(type).Split('\0')[0] : "unknown", checked((long)free), checked((long)total));
    }

    /// <summary>The path in full; where it is long, in the form in which Windows takes it.</summary>
    public static string Whole(string path)
    {
        var whole = Path.GetFullPath(path);
        return whole.Length <= LongestPath || whole.StartsWith(@"\\?\", StringComparison.Ordinal) || whole.StartsWith(@"\\.\", StringComparison.Ordinal) ? whole
            : whole.StartsWith(@"\\", StringComparison.Ordinal) ? $@"\\?\UNC\{whole[2..]}"
            : $@"\\?\{whole}";
    }

    [LibraryImport("kernel32", EntryPoint = "CreateFileW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    private static partial SafeFileHandle CreateFile(string path, uint access, uint share, nint security, uint disposition, uint flags, nint template);

    [LibraryImport("kernel32", EntryPoint = "CreateHardLinkW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool CreateHardLink(string newName, string path, nint security);

    [LibraryImport("kernel32", EntryPoint = "MoveFileExW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool MoveFileEx(string path, string newName, uint flags);

    [LibraryImport("kernel32", EntryPoint = "FlushFileBuffers", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle file);

    [LibraryImport("kernel32", EntryPoint = "GetFinalPathNameByHandleW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    private static partial int GetFinalPathNameByHandle(SafeFileHandle file, [Out] char[] path, int length, uint flags);

    [LibraryImport("kernel32", EntryPoint = "GetDiskFreeSpaceExW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetDiskFreeSpaceEx(string folder, out ulong free, out ulong total, out ulong totalFree);

    [LibraryImport("kernel32", EntryPoint = "GetVolumePathNameW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetVolumePathName(string path, [Out] char[] root, int length);

    [LibraryImport("kernel32", EntryPoint = "GetVolumeInformationW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetVolumeInformation(
        [In] char[] root, [Out] char[]? name, int nameLength, out uint serial, out uint longestName, out uint flags, [Out] char[] type, int typeLength);
}
