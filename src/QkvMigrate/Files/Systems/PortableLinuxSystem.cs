using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>
/// Linux with what every Unix has, and statx(2), because .NET says nothing of a file's identity. The tests run over it what other
/// systems run.
/// </summary>
[UnsupportedOSPlatform("windows")]
[UnsupportedOSPlatform("macos")]
internal partial class PortableLinuxSystem : UnixSystem
{
    private const int NoSystemCall = 38; // ENOSYS
    private const int NotSupported = 95; // EOPNOTSUPP

    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the descriptor itself
    private const uint Basic = 0x7ff; // STATX_BASIC_STATS
    private const uint Birth = 0x800; // STATX_BTIME
    private const ulong MountRoot = 0x2000; // STATX_ATTR_MOUNT_ROOT, since Linux 5.8

    /// <summary>AT_FDCWD: paths begin at the working directory.</summary>
    protected const int WorkingDirectory = -100;

    /// <summary>x86-64 has numbers of its own for calls; all that came later share theirs (asm-generic/unistd.h).</summary>
    protected static readonly bool IsX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static readonly nint StatxNumber = IsX64 ? 332 : 291;

    /// <inheritdoc/>
    protected override int QuotaExceeded => 122;

    /// <inheritdoc/>
    protected override int WouldBlock => 11;

    /// <inheritdoc/>
    public override FileIdentity IdentityOf(SafeFileHandle file) =>
        Statx(StatxNumber, file, "", EmptyPath, (nint)(Basic | Birth), out var status) == 0 ? Identity(status) : throw SystemError.OfUnix("statx");

    /// <inheritdoc/>
    public override FileIdentity? IdentityOf(string path, bool followLinks) =>
        Statx(StatxNumber, WorkingDirectory, path, followLinks ? 0 : NoFollow, (nint)(Basic | Birth), out var status) == 0 ? Identity(status) : null;

    /// <inheritdoc/>
    public override bool IsMissing(string path) =>
        Statx(StatxNumber, WorkingDirectory, path, NoFollow, 0, out _) != 0 && Marshal.GetLastPInvokeError() == NotThere;

    /// <inheritdoc/>
    protected override bool IsUnsupported(int error) => error is NotSupported or NoSystemCall;

    /// <inheritdoc/>
    protected override long FreeBytes(SafeFileHandle file) => new DriveInfo($"/proc/self/fd/{file.DangerousGetHandle()}").AvailableFreeSpace;

    private static FileIdentity Identity(in Status status) => new()
    {
        Device = ((ulong)status.DeviceMajor << 32) | status.DeviceMinor,
        Inode = status.Inode,
        Kind = FileKinds.OfMode(status.Mode),
        Size = status.Size,
        Born = (status.Mask & Birth) != 0 ? status.Made.Total : null,
        Modified = status.Modified.Total,
        Changed = status.Changed.Total,
        Links = status.Links,
        Owner = status.Owner,
        Group = status.Group,
        IsMountPoint = (status.Attributes & MountRoot) != 0,
    };

    // By its number, because musl has the function only since 1.2.5.
    [LibraryImport("libc", EntryPoint = "syscall", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial nint Statx(nint number, SafeFileHandle folder, string path, nint flags, nint mask, out Status status);

    [LibraryImport("libc", EntryPoint = "syscall", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial nint Statx(nint number, nint folder, string path, nint flags, nint mask, out Status status);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Time(long Seconds, uint Nanoseconds)
    {
        public long Total => unchecked((Seconds * 1_000_000_000) + Nanoseconds);
    }

    /// <summary>The fields of struct statx that are used, at the places that they have in it on every architecture.</summary>
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
