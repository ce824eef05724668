using QkvMigrate.Checkpoints;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// Two lanes of an engine, used in turn: while one permutes, the other is filled or written. Lanes are made when the
/// first slab needs them, so that a file whose names alone change never loads an engine.
/// </summary>
internal sealed class LaneQueue(Func<IReorderEngine> engine, int capacity, LaneQueue.Finish finish) : IDisposable
{
    private const int LaneCount = 2;

    private readonly IReorderLane?[] lanes = new IReorderLane?[LaneCount];
    private readonly Queue<(IReorderLane Lane, long Target, int Checksum)> running = new();
    private int next;

    /// <summary>Takes the permuted bytes of a slab, in the order in which slabs began.</summary>
    public delegate void Finish(long target, int checksum, ReadOnlySpan<byte> bytes);

    /// <summary>A buffer of the lanes for bytes that need no engine; to be used only after <see cref="Drain"/>.</summary>
    public Memory<byte> Scratch => Lane(0).Input;

    /// <summary>Reads a slab and starts its permutation; first finishes the slab that used the lane before.</summary>
    public void Begin(SourceFile source, in Slab slab, int checksum)
    {
        if (running.Count == LaneCount)
        {
            FinishOne();
        }

        var lane = Lane(next);
        next = (next + 1) % LaneCount;
        var input = lane.Input.Span;
        foreach (var piece in slab.Pieces)
        {
            source.Read(piece.Source, input[..piece.Length]);
            input = input[piece.Length..];
        }

        lane.Begin(slab.Gather);
        running.Enqueue((lane, slab.Target, checksum));
    }

    /// <summary>Finishes every slab that has begun.</summary>
    public void Drain()
    {
        while (running.Count > 0)
        {
            FinishOne();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var lane in lanes)
        {
            lane?.Dispose();
        }
    }

    private IReorderLane Lane(int number) => lanes[number] ??= engine().CreateLane(capacity);

    private void FinishOne()
    {
        var (lane, target, checksum) = running.Dequeue();
        finish(target, checksum, lane.Complete().Span);
    }
}
