using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files.Systems;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// The executor: writes a new file from a plan and an engine. It decides nothing, and it knows no format: each piece of
/// the plan says what file it reads. A few threads take the pieces in turn: while one waits for a source, permutes or sums
/// up, another writes, and what stays as it is is copied inside the kernel where the system can. A small file is
/// <see cref="SmallFileWriter"/>'s.
/// </summary>
public static class FilePlanWriter
{
    /// <summary>Bytes of a slab. Large enough that a system call's cost vanishes, small enough to stay in the cache.</summary>
    internal const int SlabBytes = 1 << 20;

    /// <summary>
    /// Threads at most. One writes while the others prepare, because a filesystem lets one at a time into a file; more than these find nothing to do, and
    /// each has buffers.
    /// </summary>
    private const int MaximumThreads = 4;

    /// <summary>
    /// Writes the file. <paramref name="engine"/> is called once, when the first row has to move, and not where no row moves.
    /// <paramref name="progress"/> gets the number of bytes that were written since its last call, from any thread.
    /// </summary>
    /// <exception cref="MigrationException">A source ends too early or is damaged, or the system cannot read or write.</exception>
    public static void Write(FilePlan plan, SafeFileHandle target, Func<IReorderEngine> engine, Action<long>? progress, CancellationToken cancellation)
    {
        if (SmallFileWriter.IsFor(plan))
        {
            SmallFileWriter.Write(plan, target, engine, cancellation);
            progress?.Invoke(plan.Length);
            return;
        }

        Write(plan, target, engine, SlabBytes, Math.Clamp(Environment.ProcessorCount, 2, MaximumThreads), progress, cancellation);
    }

    /// <summary>As above, with slabs of a size that tests make tiny, so that small files meet every boundary.</summary>
    internal static void Write(
        FilePlan plan, SafeFileHandle target, Func<IReorderEngine> engine, int slabBytes, int threads, Action<long>? progress, CancellationToken cancellation)
    {
        // A clone shares every block with its source: then only what differs is written.
        var cloned = ClonedSource.Of(plan) is { } source && HostSystem.Current.Clone(source.Handle, target) ? source : null;
        if (cloned is not null)
        {
            RandomAccess.SetLength(target, plan.Length);
        }
        else
        {
            HostSystem.Current.Allocate(target, plan.Length);
        }

        var checksums = new PlanChecksums(plan);
        var sharedEngine = new Lazy<IReorderEngine>(engine);
        using var pieces = new PieceQueue(plan, slabBytes);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var failures = new PieceFailures();
        Workers.Run(threads, WritePieces);
        failures.Throw();
        checksums.CheckSources();
        checksums.Patch(target);

        IReorderLane CreateLane() => sharedEngine.Value.CreateLane(slabBytes);

        void WritePieces(int thread)
        {
            Segment? piece = null;
            try
            {
                using var writer = new PieceWriter(target, cloned, checksums, CreateLane, slabBytes, progress ?? (_ => { }));
                while ((piece = pieces.Take(copiesFirst: thread % 2 == 1)) is not null)
                {
                    stop.Token.ThrowIfCancellationRequested();
                    writer.Write(piece, stop.Token);
                }
            }
            catch (Exception error)
            {
                failures.Add(piece?.Target ?? 0, error);
                stop.Cancel();
            }
        }
    }

    /// <summary>The failures of the threads. The one that stands first in the file is thrown, whichever thread met it.</summary>
    private sealed class PieceFailures
    {
        private readonly List<(long Target, ExceptionDispatchInfo Error)> all = [];

        public void Add(long target, Exception error)
        {
            lock (all)
            {
                all.Add((target, ExceptionDispatchInfo.Capture(error)));
            }
        }

        public void Throw()
        {
            // A failure cancels the other threads; that they were is not the cause.
            var inOrder = all.OrderBy(failure => failure.Error.SourceException is OperationCanceledException).ThenBy(failure => failure.Target);
            inOrder.Select(failure => failure.Error).FirstOrDefault()?.Throw();
        }
    }
}
