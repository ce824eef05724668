using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// The executor: writes a new file from a layout, its source and an engine. It decides nothing. Ranges without a
/// checksum are copied by one thread, inside the kernel where the system can; everything else goes through lanes of
/// bounded size on another, in the order of the file, because checksums need it.
/// </summary>
public sealed class FileLayoutWriter
{
    /// <summary>Bytes of a slab. Large enough that a system call's cost vanishes, small enough to stay in the cache.</summary>
    internal const int SlabBytes = 4 << 20;

    /// <summary>Bytes that are copied before the disk is set to write them, and between two looks at the cancellation token.</summary>
    private const long CopyBytes = 16 << 20;

    private readonly SourceFile source;
    private readonly FileLayout layout;
    private readonly SafeFileHandle target;
    private readonly Func<IReorderEngine> engine;
    private readonly int slabBytes;
    private readonly Crc32[] checksums;
    private bool isClone;

    private FileLayoutWriter(SourceFile source, FileLayout layout, SafeFileHandle target, Func<IReorderEngine> engine, int slabBytes)
    {
        this.source = source;
        this.layout = layout;
        this.target = target;
        this.engine = engine;
        this.slabBytes = slabBytes;
        checksums = new Crc32[layout.ChecksumCount];
        for (var i = 0; i < checksums.Length; i++)
        {
            checksums[i] = new Crc32();
        }
    }

    /// <summary>Writes the file. <paramref name="progress"/> is told the bytes that were written since the last time.</summary>
    /// <exception cref="MigrationException">The source ends too early, or the system cannot read or write.</exception>
    public static void Write(SourceFile source, FileLayout layout, SafeFileHandle target, Func<IReorderEngine> engine, Action<long>? progress, CancellationToken cancellation) =>
        Write(source, layout, target, engine, SlabBytes, progress, cancellation);

    /// <summary>As above, with slabs of a size that tests make tiny, so that small files meet every boundary.</summary>
    internal static void Write(SourceFile source, FileLayout layout, SafeFileHandle target, Func<IReorderEngine> engine, int slabBytes, Action<long>? progress, CancellationToken cancellation)
    {
        var writer = new FileLayoutWriter(source, layout, target, engine, slabBytes);
        try
        {
            writer.Run(progress ?? (_ => { }), cancellation);
        }
        catch (AggregateException errors)
        {
            // The first failure cancels the other thread; what that one then says is not the cause.
            var error = errors.InnerExceptions.FirstOrDefault(inner => inner is not OperationCanceledException) ?? errors.InnerExceptions[0];
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
        }
    }

    private void Run(Action<long> progress, CancellationToken cancellation)
    {
        // A clone shares every block with the source: then only what differs is written.
        isClone = Posix.Clone(source.Handle, target);
        if (isClone)
        {
            RandomAccess.SetLength(target, layout.Length);
        }
        else
        {
            Posix.Allocate(target, layout.Length);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var copies = Task.Run(() => Guarded(() => Copy(progress, stop.Token), stop), CancellationToken.None);
        var rest = Task.Run(() => Guarded(() => Assemble(progress, stop.Token), stop), CancellationToken.None);
        Task.WaitAll([copies, rest], CancellationToken.None);
        foreach (var patch in layout.Patches)
        {
            var crc = new byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(crc, checksums[patch.Checksum].GetCurrentHashAsUInt32());
            Posix.Write(target, crc, patch.Target);
        }
    }

    private static void Guarded(Action work, CancellationTokenSource stop)
    {
        try
        {
            work();
        }
        catch
        {
            stop.Cancel();
            throw;
        }
    }

    private static bool IsPlainCopy(Segment segment) => segment is CopySegment { Checksum: < 0 };

    private void Copy(Action<long> progress, CancellationToken cancellation)
    {
        var inKernel = true;
        byte[]? buffer = null;
        foreach (var segment in layout.Segments.Where(IsPlainCopy).Cast<CopySegment>())
        {
            if (isClone && segment.Source == segment.Target)
            {
                progress(segment.Length);
                continue;
            }

            for (var done = 0L; done < segment.Length;)
            {
                cancellation.ThrowIfCancellationRequested();
                var copied = inKernel
                    ? Posix.CopyRange(source.Handle, segment.Source + done, target, segment.Target + done, Math.Min(CopyBytes, segment.Length - done))
                    : -1;
                if (copied <= 0)
                {
                    // −1: the two filesystems have no such call. 0: some report the end of a file early; a read tells.
                    inKernel &= copied == 0;
                    buffer ??= GC.AllocateUninitializedArray<byte>(slabBytes);
                    copied = Math.Min(buffer.Length, segment.Length - done);
                    var bytes = buffer.AsSpan(0, (int)copied);
                    source.Read(segment.Source + done, bytes);
                    Posix.Write(target, bytes, segment.Target + done);
                }

                Posix.StartWriteback(target, segment.Target + done, copied);
                done += copied;
                progress(copied);
            }
        }
    }

    private void Assemble(Action<long> progress, CancellationToken cancellation)
    {
        using var lanes = new LaneQueue(engine, slabBytes, Finish);
        foreach (var segment in layout.Segments)
        {
            cancellation.ThrowIfCancellationRequested();
            switch (segment)
            {
                case LiteralSegment literal:
                    lanes.Drain();
                    Emit(literal.Target, literal.Checksum, literal.Bytes.Span);
                    break;
                case CopySegment { Checksum: >= 0 } copy:
                    lanes.Drain();
                    for (var done = 0L; done < copy.Length; done += slabBytes)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        var buffer = lanes.Scratch.Span[..(int)Math.Min(slabBytes, copy.Length - done)];
                        source.Read(copy.Source + done, buffer);
                        Emit(copy.Target + done, copy.Checksum, buffer);
                    }

                    break;
                case ComputedSegment computed:
                    lanes.Drain();
                    var at = computed.Target;
                    computed.Bytes.Compute(
                        bytes =>
                        {
                            Emit(at, computed.Checksum, bytes);
                            at += bytes.Length;
                        },
                        cancellation);
                    if (at != computed.Target + computed.Length)
                    {
                        throw new InvalidOperationException($"{at - computed.Target} bytes were computed, {computed.Length} were announced");
                    }

                    break;
                case ReorderSegment reorder:
                    foreach (var slab in SlabPlan.Cut(reorder, slabBytes))
                    {
                        cancellation.ThrowIfCancellationRequested();
                        lanes.Begin(source, slab, reorder.Checksum);
                    }

                    break;
            }
        }

        lanes.Drain();

        void Finish(long at, int checksum, ReadOnlySpan<byte> bytes) => Emit(at, checksum, bytes);

        void Emit(long at, int checksum, ReadOnlySpan<byte> bytes)
        {
            if (checksum >= 0)
            {
                checksums[checksum].Append(bytes);
            }

            Posix.Write(target, bytes, at);
            Posix.StartWriteback(target, at, bytes.Length);
            progress(bytes.Length);
        }
    }
}
