using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>Windows's calls on open files that .NET has no name for (winbase.h, minwinbase.h).</summary>
[SupportedOSPlatform("windows")]
internal static partial class WindowsFileStatus
{
    private const int BasicClass = 0; // FileBasicInfo
    private const int StandardClass = 1; // FileStandardInfo
    private const int AllocationClass = 5; // FileAllocationInfo
    private const int TagClass = 9; // FileAttributeTagInfo
    private const int IdClass = 18; // FileIdInfo
    private const int RenameClass = 22; // FileRenameInfoEx

    private const uint ReparsePoint = 0x400; // FILE_ATTRIBUTE_REPARSE_POINT
    private const uint SymbolicLink = 0xa000000c; // IO_REPARSE_TAG_SYMLINK
    private const uint MountPoint = 0xa0000003; // IO_REPARSE_TAG_MOUNT_POINT: a junction, or a volume
    private const uint DiskType = 1; // FILE_TYPE_DISK
    private const uint PipeType = 3; // FILE_TYPE_PIPE

    private const uint ReplaceIfExists = 1; // FILE_RENAME_FLAG_REPLACE_IF_EXISTS
    private const uint PosixSemantics = 2; // FILE_RENAME_FLAG_POSIX_SEMANTICS
    private const int NameOffset = 20; // of FILE_RENAME_INFO with 64-bit handles

    /// <summary>100 ns since 1601, where Unix counts from 1970.</summary>
    private const long Ticks1970 = 116_444_736_000_000_000;

    /// <summary>What identifies an open file.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    public static FileIdentity Of(SafeFileHandle file)
    {
        if (GetFileType(file) is var type && type != DiskType)
        {
            return new FileIdentity { Kind = type == PipeType ? FileKind.Fifo : FileKind.Device };
        }

        if (!Read(file, BasicClass, out Basic basic) || !Read(file, StandardClass, out Standard standard))
        {
            throw SystemError.OfWindows("GetFileInformationByHandleEx");
        }

        var (device, number) = NumberOf(file);
        return new FileIdentity
        {
            Device = device,
            Inode = number,
            Kind = IsLink(file, basic) ? FileKind.Link : standard.IsDirectory != 0 ? FileKind.Directory : FileKind.Regular,
            Size = standard.Bytes,
            Born = Nanoseconds(basic.Made),
            Modified = Nanoseconds(basic.Written),
            Changed = Nanoseconds(basic.Changed),
            Links = standard.Links,
        };
    }

    /// <summary>Whether a volume is mounted at a folder that was opened itself: to Windows it is a link that leads to no folder's name.</summary>
    public static bool IsVolume(SafeFileHandle file, string path) =>
        Read(file, TagClass, out Tag tag) && tag.Value == MountPoint && new DirectoryInfo(path).LinkTarget is null or "";

    /// <summary>Reserves the space of a file; false, with the error set, where that cannot be.</summary>
    public static bool Reserve(SafeFileHandle file, long length) => SetFileInformationByHandle(file, AllocationClass, BitConverter.GetBytes(length), sizeof(long));

    /// <summary>Renames by POSIX's semantics; false, with the error set, where that cannot be.</summary>
    public static bool Rename(SafeFileHandle file, string newName, bool replace)
    {
        var name = MemoryMarshal.AsBytes(WindowsNames.Whole(newName).AsSpan());
        var info = new byte[NameOffset + name.Length + sizeof(char)];
        BitConverter.TryWriteBytes(info, replace ? ReplaceIfExists | PosixSemantics : PosixSemantics);
        BitConverter.TryWriteBytes(info.AsSpan(NameOffset - sizeof(int)), name.Length);
        name.CopyTo(info.AsSpan(NameOffset));
        return SetFileInformationByHandle(file, RenameClass, info, info.Length);
    }

    private static bool IsLink(SafeFileHandle file, in Basic basic) =>
        (basic.Attributes & ReparsePoint) != 0 && Read(file, TagClass, out Tag tag) && tag.Value is SymbolicLink or MountPoint;

    /// <summary>The file's number: 128 bits, of which NTFS uses 64; or what older filesystems have.</summary>
    private static (ulong Device, ulong Number) NumberOf(SafeFileHandle file) =>
        Read(file, IdClass, out Id id) ? (id.Volume, id.Low ^ ulong.RotateLeft(id.High, 32))
        : GetFileInformationByHandle(file, out var old) ? (old.Volume, ((ulong)old.IndexHigh << 32) | old.IndexLow)
        : throw SystemError.OfWindows("GetFileInformationByHandle");

    private static long Nanoseconds(long time) => unchecked((time - Ticks1970) * 100);

    private static bool Read<T>(SafeFileHandle file, int infoClass, out T info)
        where T : unmanaged
    {
        var bytes = new byte[Unsafe.SizeOf<T>()];
        var isRead = GetFileInformationByHandleEx(file, infoClass, bytes, bytes.Length);
        info = MemoryMarshal.Read<T>(bytes);
        return isRead;
    }

    [LibraryImport("kernel32", EntryPoint = "GetFileType", SetLastError = true)]
    private static partial uint GetFileType(SafeFileHandle file);

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandleEx", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetFileInformationByHandleEx(SafeFileHandle file, int infoClass, [Out] byte[] info, int length);

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandle", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetFileInformationByHandle(SafeFileHandle file, out OldStatus status);

    [LibraryImport("kernel32", EntryPoint = "SetFileInformationByHandle", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetFileInformationByHandle(SafeFileHandle file, int infoClass, byte[] info, int length);

    /// <summary>FILE_BASIC_INFO.</summary>
    private readonly record struct Basic(long Made, long Read, long Written, long Changed, uint Attributes);

    /// <summary>FILE_STANDARD_INFO.</summary>
    private readonly record struct Standard(long Allocated, long Bytes, uint Links, byte IsDeletePending, byte IsDirectory);

    /// <summary>FILE_ATTRIBUTE_TAG_INFO.</summary>
    private readonly record struct Tag(uint Attributes, uint Value);

    /// <summary>FILE_ID_INFO.</summary>
    private readonly record struct Id(ulong Volume, ulong Low, ulong High);

    /// <summary>BY_HANDLE_FILE_INFORMATION.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 52)]
    private readonly struct OldStatus
    {
        [FieldOffset(28)]
        public readonly uint Volume;

        [FieldOffset(44)]
        public readonly uint IndexHigh;

        [FieldOffset(48)]
        public readonly uint IndexLow;
    }
}
