using QkvMigrate.Attention;

namespace QkvMigrate.Reordering;

/// <summary>
/// What every engine's lane has in common: its end, and the check that a gather is a permutation and fits.
/// An engine that derives from it can take each gather as true.
/// </summary>
public abstract class ReorderLane : IReorderLane
{
    private RowRun[] sorted = [];
    private bool disposed;

    /// <summary>Creates a lane for slabs of up to <paramref name="capacity"/> bytes.</summary>
    protected ReorderLane(int capacity) => Capacity = capacity;

    /// <summary>Bytes of the input, and of the largest slab.</summary>
    public int Capacity { get; }

    /// <inheritdoc/>
    public abstract Memory<byte> Input { get; }

    /// <summary>The permuted bytes, <see cref="Capacity"/> of them.</summary>
    protected abstract ReadOnlyMemory<byte> Output { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The gather is not a permutation, or larger than the lane.</exception>
    public ReadOnlyMemory<byte> Permute(in Gather gather)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        Check(gather);
        Run(gather);
        return Output[..gather.ByteCount];
    }

    /// <summary>Frees the buffers. Lanes have no finalizer: a lane left alone keeps its memory.</summary>
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the engine allocated for the lane; called once.</summary>
    protected abstract void Free();

    /// <summary>Permutes from the input to the output; the gather is checked, and the result is there when this returns.</summary>
    protected abstract void Run(in Gather gather);

    private void Check(in Gather gather)
    {
        if (gather.Repetitions < 1 || gather.Rows < 1 || gather.RowBytes < 1)
        {
            throw new ArgumentException($"a gather of {gather.Repetitions}×{gather.Rows} rows of {gather.RowBytes} bytes, each must be at least 1", nameof(gather));
        }

        // Each number is below 2³¹: the first product fits a long, the second is a UInt128.
        var bytes = (UInt128)((ulong)gather.Repetitions * (ulong)gather.Rows) * (UInt128)gather.RowBytes;
        if (bytes > (UInt128)Capacity)
        {
            throw new ArgumentException($"a gather of {bytes} bytes does not fit a lane of {Capacity}", nameof(gather));
        }

        var count = gather.Runs.Length;
        if (sorted.Length < count)
        {
            sorted = new RowRun[Math.Max(count, 2 * sorted.Length)];
        }

        var runs = sorted.AsSpan(0, count);
        gather.Runs.Span.CopyTo(runs);
        runs.Sort(static (left, right) => left.Start.CompareTo(right.Start));
        var next = 0L;
        foreach (var run in runs)
        {
            if (run.Start != next || run.Length < 1)
            {
                throw new ArgumentException(
                    $"a run of {run.Length} rows from {run.Start} on, expected one from {next} on: each row is to be named once",
                    nameof(gather));
            }

            next += run.Length;
        }

        if (next != gather.Rows)
        {
            throw new ArgumentException($"the runs name {next} rows of {gather.Rows}", nameof(gather));
        }
    }
}
