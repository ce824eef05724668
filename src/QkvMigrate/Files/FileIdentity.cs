using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files;

/// <summary>
/// What identifies a file and its state, read by statx(2), whose layout is the same on every architecture. It changes when
/// somebody writes into the file, or puts another file under its name.
/// </summary>
internal readonly partial record struct FileIdentity
{
    private const int Current = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the descriptor itself
    private const uint Basic = 0x7ff; // STATX_BASIC_STATS
    private const ulong MountRoot = 0x2000; // STATX_ATTR_MOUNT_ROOT, since Linux 5.8
    private const uint Birth = 0x800; // STATX_BTIME

    private FileIdentity(in Status status)
    {
        Device = ((ulong)status.DeviceMajor << 32) | status.DeviceMinor;
        Mode = status.Mode;
        Inode = status.Inode;
        Size = status.Size;
        Born = (status.Mask & Birth) != 0 ? unchecked((status.Made.Seconds * 1_000_000_000) + status.Made.Nanoseconds) : null;
        Modified = status.Modified;
        Changed = status.Changed;
        Links = status.Links;
        Owner = status.Owner;
        Group = status.Group;
        IsMountPoint = (status.Attributes & MountRoot) != 0;
    }

    /// <summary>Bytes of the file.</summary>
    public long Size { get; }

    /// <summary>The user that owns it.</summary>
    public uint Owner { get; }

    /// <summary>The group that owns it.</summary>
    public uint Group { get; }

    /// <summary>What stands under the name where it is no regular file, as reports call it (inode(7)); null where it is one.</summary>
    public string? Special => (Mode & 0xf000) switch
    {
        0x8000 => null,
        0x4000 => "a directory",
        0x1000 => "a FIFO",
        0xc000 => "a socket",
        0xa000 => "a link",
        _ => "a device",
    };

    /// <summary>Whether it is a symbolic link itself, which only <see cref="OfLink"/> tells.</summary>
    public bool IsLink => (Mode & 0xf000) == 0xa000;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => (Mode & 0xf000) == 0x4000;

    /// <summary>Whether a filesystem is mounted there, so that the name cannot be given to something else.</summary>
    public bool IsMountPoint { get; }

    private ushort Mode { get; }

    /// <summary>The filesystem's device.</summary>
    public ulong Device { get; }

    /// <summary>The file's number on it.</summary>
    public ulong Inode { get; }

    /// <summary>When the file was made, in nanoseconds since 1970, where the filesystem says.</summary>
    public long? Born { get; }

    private Time Modified { get; }

    private Time Changed { get; }

    private uint Links { get; }

    /// <summary>The open file.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    public static FileIdentity Of(SafeFileHandle file) =>
        Statx(file, "", EmptyPath, Basic | Birth, out var status) == 0 ? new FileIdentity(status) : throw Failure();

    /// <summary>The file under a name, links followed; null where there is none.</summary>
    public static FileIdentity? Of(string path) =>
        Statx(Current, path, 0, Basic | Birth, out var status) == 0 ? new FileIdentity(status) : null;

    /// <summary>The file under a name, which may be a symbolic link; null where there is none.</summary>
    public static FileIdentity? OfLink(string path) =>
        Statx(Current, path, NoFollow, Basic, out var status) == 0 ? new FileIdentity(status) : null;

    /// <summary>Whether both are names of one file (link(2)); a symbolic link is a file of its own.</summary>
    public static bool AreSame(string path, string other) =>
        Statx(Current, path, NoFollow, Basic | Birth, out var one) == 0 && Statx(Current, other, NoFollow, Basic | Birth, out var two) == 0
        && new FileIdentity(one).IsSameFile(new FileIdentity(two));

    /// <summary>Whether both are one file, whatever became of it.</summary>
    public bool IsSameFile(FileIdentity other) => Inode == other.Inode && Device == other.Device;

    /// <summary>
    /// Whether both are one file that did not change in between. A hard link that is added or removed changes the time of
    /// change as well, and does not matter here; with several links, one may have been added and another removed.
    /// </summary>
    public bool IsUnchanged(FileIdentity other) =>
        IsSameFile(other) && Size == other.Size && Modified == other.Modified && (Changed == other.Changed || Links != other.Links || Links > 1);

    private static IOException Failure()
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"statx: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(SafeFileHandle folder, string path, int flags, uint mask, out Status status);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int folder, string path, int flags, uint mask, out Status status);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Time(long Seconds, uint Nanoseconds);

    /// <summary>The fields of struct statx that are used, at the places that they have in it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private readonly struct Status
    {
        [FieldOffset(0)]
        public readonly uint Mask;

        [FieldOffset(8)]
        public readonly ulong Attributes;

        [FieldOffset(16)]
        public readonly uint Links;

        [FieldOffset(20)]
        public readonly uint Owner;

        [FieldOffset(24)]
        public readonly uint Group;

        [FieldOffset(28)]
        public readonly ushort Mode;

        [FieldOffset(32)]
        public readonly ulong Inode;

        [FieldOffset(40)]
        public readonly long Size;

        [FieldOffset(80)]
        public readonly Time Made;

        [FieldOffset(96)]
        public readonly Time Changed;

        [FieldOffset(112)]
        public readonly Time Modified;

        [FieldOffset(136)]
        public readonly uint DeviceMajor;

        [FieldOffset(140)]
        public readonly uint DeviceMinor;
    }
}
