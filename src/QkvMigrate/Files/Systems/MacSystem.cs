using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>
/// macOS, by Darwin's headers (sys/stat.h, sys/fcntl.h, sys/statvfs.h, stdio.h). No test has run there. Blocks are not shared:
/// clonefile(2) makes a new file, and fills none that is open.
/// </summary>
[SupportedOSPlatform("macos")]
internal sealed partial class MacSystem : UnixSystem
{
    private const int NotSupported = 45; // ENOTSUP
    private const int NoSystemCall = 78; // ENOSYS
    private const int OperationNotSupported = 102; // EOPNOTSUPP
    private const int FullSync = 51; // F_FULLFSYNC
    private const int NoReplace = 4; // RENAME_EXCL

    /// <summary>On x86-64 the functions of 64-bit inodes have names of their own; on ARM there are no others.</summary>
    private static readonly bool IsX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <inheritdoc/>
    protected override int QuotaExceeded => 69;

    /// <inheritdoc/>
    protected override int WouldBlock => 35;

    /// <inheritdoc/>
    public override FileIdentity IdentityOf(SafeFileHandle file) =>
        (IsX64 ? StatusX64(file, out var status) : Status(file, out status)) == 0 ? Identity(status, isMountPoint: false) : throw SystemError.OfUnix("fstat");

    /// <inheritdoc/>
    public override FileIdentity? IdentityOf(string path, bool followLinks)
    {
        if (Find(path, followLinks) is not { } status)
        {
            return null;
        }

        // Only a folder can be a mount's; the folder above is then on another device.
        var isMountPoint = FileKinds.OfMode(status.Mode) == FileKind.Directory && Find($"{path}/..", followLinks: true) is { } above && above.Device != status.Device;
        return Identity(status, isMountPoint);
    }

    /// <summary>renamex_np(2), which refuses by itself to replace.</summary>
    public override void Rename(string path, string newName, bool replace)
    {
        if (!replace && RenameExclusively(Path.GetFullPath(path), Path.GetFullPath(newName), NoReplace) == 0)
        {
            return;
        }

        if (!replace && !IsUnsupported(Marshal.GetLastPInvokeError()))
        {
            throw SystemError.OfUnix("rename", newName);
        }

        base.Rename(path, newName, replace);
    }

    /// <inheritdoc/>
    protected override bool IsUnsupported(int error) => error is NotSupported or NoSystemCall or OperationNotSupported;

    /// <summary>fsync(2) of macOS leaves bytes in the disk's own cache; F_FULLFSYNC has the disk write them. Network filesystems have only the first.</summary>
    protected override bool Synced(SafeFileHandle opened) => Control(opened, FullSync) != -1 || base.Synced(opened);

    /// <inheritdoc/>
    protected override long FreeBytes(SafeFileHandle file) =>
        FileSystem(file, out var system) == 0 ? checked((long)(system.FragmentBytes * system.Available)) : throw SystemError.OfUnix("fstatvfs");

    private static DarwinStatus? Find(string path, bool followLinks)
    {
        var result = (IsX64, followLinks) switch
        {
            (true, true) => StatusX64(path, out var status) == 0 ? status : (DarwinStatus?)null,
            (true, false) => LinkStatusX64(path, out var status) == 0 ? status : null,
            (false, true) => Status(path, out var status) == 0 ? status : null,
            (false, false) => LinkStatus(path, out var status) == 0 ? status : null,
        };
        return result;
    }

    private static FileIdentity Identity(in DarwinStatus status, bool isMountPoint) => new()
    {
        Device = (uint)status.Device,
        Inode = status.Inode,
        Kind = FileKinds.OfMode(status.Mode),
        Size = status.Size,
        Born = status.Made.Total,
        Modified = status.Modified.Total,
        Changed = status.Changed.Total,
        Links = status.Links,
        Owner = status.Owner,
        Group = status.Group,
        IsMountPoint = isMountPoint,
    };

    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    private static partial int Status(SafeFileHandle descriptor, out DarwinStatus status);

    [LibraryImport("libc", EntryPoint = "fstat$INODE64", SetLastError = true)]
    private static partial int StatusX64(SafeFileHandle descriptor, out DarwinStatus status);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Status(string path, out DarwinStatus status);

    [LibraryImport("libc", EntryPoint = "stat$INODE64", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int StatusX64(string path, out DarwinStatus status);

    [LibraryImport("libc", EntryPoint = "lstat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int LinkStatus(string path, out DarwinStatus status);

    [LibraryImport("libc", EntryPoint = "lstat$INODE64", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int LinkStatusX64(string path, out DarwinStatus status);

    // Its arguments vary; this command takes none, and none is passed.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle descriptor, int command);

    [LibraryImport("libc", EntryPoint = "renamex_np", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RenameExclusively(string path, string newName, uint flags);

    [LibraryImport("libc", EntryPoint = "fstatvfs", SetLastError = true)]
    private static partial int FileSystem(SafeFileHandle descriptor, out DarwinFileSystem system);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Time(long Seconds, long Nanoseconds)
    {
        public long Total => unchecked((Seconds * 1_000_000_000) + Nanoseconds);
    }

    /// <summary>struct stat with 64-bit inodes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 144)]
    private readonly struct DarwinStatus
    {
        [FieldOffset(0)]
        public readonly int Device;

        [FieldOffset(4)]
        public readonly ushort Mode;

        [FieldOffset(6)]
        public readonly ushort Links;

        [FieldOffset(8)]
        public readonly ulong Inode;

        [FieldOffset(16)]
        public readonly uint Owner;

        [FieldOffset(20)]
        public readonly uint Group;

        [FieldOffset(48)]
        public readonly Time Modified;

        [FieldOffset(64)]
        public readonly Time Changed;

        [FieldOffset(80)]
        public readonly Time Made;

        [FieldOffset(96)]
        public readonly long Size;
    }

    /// <summary>struct statvfs.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private readonly struct DarwinFileSystem
    {
        [FieldOffset(8)]
        public readonly ulong FragmentBytes;

        [FieldOffset(24)]
        public readonly uint Available;
    }
}
