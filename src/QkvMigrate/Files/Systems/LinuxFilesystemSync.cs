using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>
/// syncfs(2), where it keeps the promise of an fsync(2) for each file: it brings all files and names of a filesystem to the disk, and
/// costs about as much as a few of them.
/// </summary>
[UnsupportedOSPlatform("windows")]
[UnsupportedOSPlatform("macos")]
internal static partial class LinuxFilesystemSync
{
    /// <summary>
    /// The most kilobytes that may wait to be written on this machine. syncfs writes what other programs wrote too: beside one that
    /// fills the memory with unwritten data, a few small files would wait for all of it.
    /// </summary>
    private const long MostDirtyKilobytes = 256 << 10;

    /// <summary>More than /proc/meminfo has, of which the lines that are read stand in the first third.</summary>
    private const int StatusBytes = 4096;

    private const int NoSystemCall = 38; // ENOSYS

    /// <summary>ext2 to ext4, XFS, btrfs: their syncfs waits for the disk. tmpfs: it has none. Of others that is not known here.</summary>
    private static readonly long[] Known = [0xEF53, 0x58465342, 0x9123683E, 0x01021994];

    /// <summary>Since Linux 5.8 it says so where bytes did not get to the disk.</summary>
    private static readonly bool TellsFailures = Environment.OSVersion.Version >= new Version(5, 8);

    /// <summary>Whether the filesystem of an open file or folder can be synced as a whole now.</summary>
    public static bool IsOffered(SafeFileHandle opened)
    {
        Span<long> status = stackalloc long[32]; // struct statfs has 120 bytes, and its type first
        return TellsFailures
            && StatusOf(opened, ref MemoryMarshal.GetReference(status)) == 0
            && Known.Contains(status[0])
            && DirtyKilobytes() <= MostDirtyKilobytes;
    }

    /// <summary>
    /// Syncs the filesystem of <paramref name="opened"/>. What syncfs says of a descriptor begins when that was opened, which can be
    /// after a failure: so each of <paramref name="files"/> is asked whether its own bytes were written. To wait for them costs
    /// nothing where they were, and tells what was lost (file_fdatawait_range in the kernel) - once, and no later fsync tells it again.
    /// </summary>
    /// <returns>Whether all is on the disk, for certain.</returns>
    public static bool Run(SafeFileHandle opened, IEnumerable<SafeFileHandle> files, Action<SafeFileHandle, IOException> lose)
    {
        if (Sync(opened) != 0)
        {
            return false;
        }

        foreach (var file in files)
        {
            if (WaitForRange(file, 0, 0, 1 /* SYNC_FILE_RANGE_WAIT_BEFORE */) == 0)
            {
                continue;
            }

            if (Marshal.GetLastPInvokeError() != NoSystemCall)
            {
                lose(file, SystemError.OfUnix("sync_file_range"));
            }

            return false;
        }

        return true;
    }

    /// <summary>What waits to be written, and what is being written; as much as can be where the system does not say.</summary>
    private static long DirtyKilobytes()
    {
        Span<byte> status = stackalloc byte[StatusBytes];
        try
        {
            using var file = File.OpenHandle("/proc/meminfo");
            var text = status[..RandomAccess.Read(file, status, 0)];
            return Kilobytes(text, "\nDirty:"u8) is { } waiting && Kilobytes(text, "\nWriteback:"u8) is { } written ? waiting + written : long.MaxValue;
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            return long.MaxValue;
        }
    }

    /// <summary>The number behind a name in the text of <c>/proc/meminfo</c> (proc(5)), or null.</summary>
    private static long? Kilobytes(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        var at = text.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(text[(at + name.Length)..].TrimStart((byte)' '), out long kilobytes, out _) ? kilobytes : null;
    }

    [LibraryImport("libc", EntryPoint = "fstatfs")]
    private static partial int StatusOf(SafeFileHandle descriptor, ref long status);

    [LibraryImport("libc", EntryPoint = "syncfs")]
    private static partial int Sync(SafeFileHandle descriptor);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int WaitForRange(SafeFileHandle descriptor, long offset, long length, uint flags);
}
