using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Planning.Lora;

/// <summary>A weight and the matrices of its LoRA, in two files or in one.</summary>
/// <param name="Weight">The weight, shape <c>(out_features, in_features)</c>, one row behind the other.</param>
/// <param name="Layer">The LoRA's matrices; they are small.</param>
internal sealed record LoraWeight(TensorEntry Weight, LoraLayer Layer);

/// <summary>
/// A weight with the delta of its LoRA added, its rows in a new order. They are read, updated and handed on in blocks of
/// bounded size, so that memory holds the LoRA's matrices and one block.
/// </summary>
internal sealed class MergedWeight : ComputedBytes
{
    /// <summary>Bytes of a block; a row that is larger is a block of its own.</summary>
    internal const int BlockBytes = 4 << 20;

    private readonly LoraWeight parts;
    private readonly IReadOnlyList<RowRun> order;
    private readonly IReadOnlyList<LoraRun> delta;
    private readonly double scaling;
    private readonly Func<ILowRankUpdater> updater;
    private readonly long rowBytes;

    /// <param name="parts">The weight and its LoRA.</param>
    /// <param name="order">The weight's rows in the order of the result, each once.</param>
    /// <param name="delta">The rows of the result that have a delta.</param>
    /// <param name="scaling">LitGPT's <c>lora_alpha / lora_r</c>.</param>
    /// <param name="updater">What computes; asked when the bytes are.</param>
    public MergedWeight(LoraWeight parts, IReadOnlyList<RowRun> order, IReadOnlyList<LoraRun> delta, double scaling, Func<ILowRankUpdater> updater)
    {
        this.parts = parts;
        this.order = order;
        this.delta = delta;
        this.scaling = scaling;
        this.updater = updater;
        rowBytes = parts.Weight.Shape[1] * parts.Weight.DType.ItemSize;
    }

    /// <inheritdoc/>
    public override long Length => parts.Weight.Extent;

    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => [parts.Weight.Storage.Source, parts.Layer.A.Storage.Source, parts.Layer.B.Storage.Source];

    /// <inheritdoc/>
    public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation) => Compute(emit, BlockBytes, cancellation);

    /// <summary>As above, with blocks of a size that tests make tiny, so that small weights meet every boundary.</summary>
    internal void Compute(Action<ReadOnlySpan<byte>> emit, int blockBytes, CancellationToken cancellation)
    {
        var layer = parts.Layer;
        using var update = updater().Begin(LoraMatrix.Read(layer.A), LoraMatrix.Read(layer.B), scaling, parts.Weight.DType);
        var rows = parts.Weight.Shape[0];
        var perBlock = Math.Min(rows, Math.Max(1, blockBytes / rowBytes));
        var buffer = GC.AllocateUninitializedArray<byte>((int)(perBlock * rowBytes));
        for (var first = 0L; first < rows; first += perBlock)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(perBlock, rows - first);
            var block = buffer.AsSpan(0, (int)(count * rowBytes));
            Read(first, count, block);
            foreach (var run in delta)
            {
                var start = Math.Max(run.Target, first);
                var length = Math.Min(run.Target + run.Count, first + count) - start;
                if (length > 0)
                {
                    update.AddTo(Rows(block, start - first, length), run.RowOfB + start - run.Target, run.Ordinal * layer.Rank);
                }
            }

            emit(block);
        }
    }

    private void Read(long first, long count, Span<byte> block)
    {
        var target = 0L;
        foreach (var run in order)
        {
            var start = Math.Max(target, first);
            var length = Math.Min(target + run.Length, first + count) - start;
            if (length > 0)
            {
                var source = run.Start + start - target;
                parts.Weight.Storage.Source.Read(parts.Weight.FileOffset + (source * rowBytes), Rows(block, start - first, length));
            }

            target += run.Length;
        }
    }

    private Span<byte> Rows(Span<byte> block, long first, long count) => block.Slice((int)(first * rowBytes), (int)(count * rowBytes));
}
