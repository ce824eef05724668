using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing.InPlace;

/// <summary>Writes to a file from front to back, and has the disk begin meanwhile, so that the sync at the end finds little left.</summary>
/// <param name="target">The file.</param>
/// <param name="bytes">Bytes after which the disk is asked to begin.</param>
internal sealed class SteadyWrite(SafeFileHandle target, long bytes)
{
    private long start = -1;

    /// <summary>Writes bytes.</summary>
    /// <exception cref="IOException">The system cannot.</exception>
    public void Put(long at, ReadOnlySpan<byte> part)
    {
        PositionedWrite.All(target, part, at);
        start = start < 0 ? at : start;
        if (at + part.Length - start >= bytes)
        {
            HostSystem.Current.StartWriteback(target, start, at + part.Length - start);
            start = -1;
        }
    }
}
