using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification.Merging;

/// <summary>A row of a merged weight.</summary>
/// <param name="Source">The row of the base's weight.</param>
/// <param name="Delta">What is added to it; null where nothing is.</param>
/// <param name="Origin">Section, head and query group, where the weight is the fused attention's.</param>
internal readonly record struct MergedRow(long Source, LoraRow? Delta, RowOrigin? Origin);

/// <summary>A weight that a LoRA was added to, in a storage of its own.</summary>
/// <param name="Weight">The base's, its rows one behind the other.</param>
/// <param name="Pair">The LoRA's matrices.</param>
/// <param name="Lora">The LoRA.</param>
/// <param name="Rows">How its rows follow from the base's; null where each stays in its place.</param>
internal sealed record MergedWeight(TensorEntry Weight, LoraPair Pair, MergingLora Lora, MergedRows? Rows)
{
    /// <summary>The weight as the second file must describe it.</summary>
    public TensorEntry After { get; } = Weight with
    {
        Strides = [Weight.Shape[1], 1],
        StorageOffset = 0,
        Storage = Weight.Storage with { Length = Weight.Extent },
    };

    /// <summary>Bytes of a row.</summary>
    public long RowBytes => Weight.Shape[1] * Weight.DType.ItemSize;

    /// <summary>What a row of the merged weight is made of.</summary>
    public MergedRow Row(long row) => Rows?.Row(row) ?? new MergedRow(row, new LoraRow(row, 0), null);
}

/// <summary>How the rows of a merged fused weight follow from those of its base and its LoRA.</summary>
/// <param name="Geometry">The geometry.</param>
/// <param name="IsOldBase">Whether the base's rows are interleaved.</param>
/// <param name="Choice">Which of q, k and v have LoRA.</param>
/// <param name="AddsByRow">Whether row i of the delta was added to row i of the interleaved matrix.</param>
internal sealed record MergedRows(AttentionGeometry Geometry, bool IsOldBase, LoraChoice Choice, bool AddsByRow)
{
    /// <summary>What a row of the merged weight, which is sequential, is made of.</summary>
    public MergedRow Row(long row)
    {
        var origin = RowOrigin.Of(row, Geometry, Geometry.HeadSize, VerifiedLayouts.Upgrade);
        return new MergedRow(IsOldBase ? origin.Source : row, Choice.Place(AddsByRow ? origin.Source : row), origin);
    }
}
