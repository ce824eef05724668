using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>Writes pieces on one thread.</summary>
internal sealed class PieceWriter(
    SafeFileHandle target, SourceFile? cloned, PlanChecksums checksums, Func<IReorderLane> createLane, int slabBytes, Action<long> progress) : IDisposable
{
    /// <summary>Bytes after which the system is asked to begin writing to the disk: small pieces are not worth a call each.</summary>
    private const long WritebackBytes = 1 << 20;

    /// <summary>The sources that the kernel cannot copy into the target by itself.</summary>
    private readonly HashSet<SourceFile> unableToCopy = [];

    private readonly PieceBytes pieces = new(checksums, createLane, slabBytes);
    private long unsynced;
    private long unsyncedFrom = long.MaxValue;
    private long unsyncedTo;

    /// <summary>Writes a piece of <see cref="PieceQueue"/>.</summary>
    /// <exception cref="MigrationException">A source ends too early, or cannot be read.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public void Write(Segment piece, CancellationToken cancellation)
    {
        switch (piece)
        {
            case CopySegment copy when copy.Source == cloned && ClonedSource.IsKept(copy):
                progress(copy.Length);
                break;
            case CopySegment { Checksum: < 0 } copy:
                Copy(copy);
                break;
            default:
                pieces.Make(piece, Put, cancellation);
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => pieces.Dispose();

    private void Copy(CopySegment copy)
    {
        for (var done = 0L; done < copy.Length;)
        {
            var copied = unableToCopy.Contains(copy.Source)
                ? -1
                : HostSystem.Current.CopyRange(copy.Source.Handle, copy.Offset + done, target, copy.Target + done, copy.Length - done);
            if (copied > 0)
            {
                Written(copy.Target + done, copied);
            }
            else
            {
                // −1: the two filesystems have no such call. 0: some report the end of a file early; a read tells.
                if (copied < 0)
                {
                    unableToCopy.Add(copy.Source);
                }

                copied = Math.Min(slabBytes, copy.Length - done);
                Put(copy.Target + done, pieces.Read(copy.Source, copy.Offset + done, (int)copied));
            }

            done += copied;
        }
    }

    private void Put(long at, ReadOnlySpan<byte> bytes)
    {
        PositionedWrite.All(target, bytes, at);
        Written(at, bytes.Length);
    }

    private void Written(long at, long length)
    {
        progress(length);
        unsynced += length;
        (unsyncedFrom, unsyncedTo) = (Math.Min(unsyncedFrom, at), Math.Max(unsyncedTo, at + length));
        if (unsynced >= WritebackBytes)
        {
            // What another thread wrote in between is set going, too, and what is not written yet has no page.
            HostSystem.Current.StartWriteback(target, unsyncedFrom, unsyncedTo - unsyncedFrom);
            (unsynced, unsyncedFrom, unsyncedTo) = (0, long.MaxValue, 0);
        }
    }
}
