using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Planning.Lora;

/// <summary>A run of rows of the old matrix that goes to the same run of a new one; where there is none, the new rows are zero.</summary>
/// <param name="Target">The first row in the new matrix.</param>
/// <param name="Source">The first row in the old one.</param>
/// <param name="Count">How many rows.</param>
/// <param name="Column">Where the old row starts in the new one, in elements.</param>
internal readonly record struct RowPlacement(long Target, long Source, long Count, long Column);

/// <summary>
/// A LoRA matrix made from an old one by moving its rows, which zeros surround. All floating point formats write zero as
/// bytes of zero. LoRA matrices are small: one at a time is held in memory.
/// </summary>
internal sealed class ExpandedMatrix : ComputedBytes
{
    private readonly TensorEntry matrix;
    private readonly IReadOnlyList<RowPlacement> placements;
    private readonly long columns;

    /// <param name="matrix">The old matrix.</param>
    /// <param name="rows">Rows of the new one.</param>
    /// <param name="columns">Columns of the new one.</param>
    /// <param name="placements">Where the old rows go.</param>
    public ExpandedMatrix(TensorEntry matrix, long rows, long columns, IReadOnlyList<RowPlacement> placements)
    {
        this.matrix = matrix;
        this.columns = columns;
        this.placements = placements;
        Length = (long)Int128.Min((Int128)rows * columns * matrix.DType.ItemSize, long.MaxValue);
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<SourceFile> Sources => [matrix.Storage.Source];

    /// <inheritdoc/>
    public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation)
    {
        var width = matrix.Shape[1] * matrix.DType.ItemSize;
        var pitch = columns * matrix.DType.ItemSize;
        var before = LoraMatrix.Read(matrix).Bytes.Span;
        var after = new byte[Length];
        foreach (var placement in placements)
        {
            for (var row = 0L; row < placement.Count; row++)
            {
                var from = (int)((placement.Source + row) * width);
                var to = (int)(((placement.Target + row) * pitch) + (placement.Column * matrix.DType.ItemSize));
                before.Slice(from, (int)width).CopyTo(after.AsSpan(to));
            }
        }

        emit(after);
    }
}
