using QkvMigrate.Attention;

namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>
/// A block of a storage whose rows are permuted. A row is one span of bytes, or several with bytes between them that
/// stay in their place, as do those between two rows.
/// </summary>
/// <param name="Storage">The storage.</param>
/// <param name="Offset">Where the block starts, in bytes from the start of the storage.</param>
/// <param name="Repetitions">How often the permutation is repeated, one block behind the other; 1 where there are gaps.</param>
/// <param name="Spans">Where the spans of a row start, in bytes from the row's start, in order.</param>
/// <param name="SpanBytes">Bytes of each span.</param>
/// <param name="RowStride">Bytes from one row to the next.</param>
/// <param name="Permutation">The source rows in the order of the destination.</param>
public sealed record BlockReorder(
    StorageEntry Storage,
    long Offset,
    long Repetitions,
    IReadOnlyList<long> Spans,
    long SpanBytes,
    long RowStride,
    RowPermutation Permutation)
{
    /// <summary>Bytes from the block's first byte to the end of its last row.</summary>
    public long Length => checked((((Repetitions * Permutation.RowCount) - 1) * RowStride) + Spans[^1] + SpanBytes);

    /// <summary>Whether the rows are one span each and stand one behind the other.</summary>
    public bool IsDense => RowStride == SpanBytes;
}
