using QkvMigrate.Attention;

namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>
/// A block of a storage whose rows are permuted. Where <paramref name="RowStride"/> is larger than
/// <paramref name="UnitBytes"/> there are bytes between the rows that stay in their place.
/// </summary>
/// <param name="Storage">The storage.</param>
/// <param name="Offset">Where the block starts, in bytes from the start of the storage.</param>
/// <param name="Outer">How often the permutation is repeated, one block behind the other; 1 where there are gaps.</param>
/// <param name="UnitBytes">Bytes of one row.</param>
/// <param name="RowStride">Bytes from one row to the next.</param>
/// <param name="Permutation">The source rows in the order of the destination.</param>
public sealed record BlockReorder(StorageEntry Storage, long Offset, long Outer, long UnitBytes, long RowStride, RowPermutation Permutation)
{
    /// <summary>Bytes from the block's first byte to the end of its last row.</summary>
    public long Length => checked((((Outer * Permutation.RowCount) - 1) * RowStride) + UnitBytes);

    /// <summary>Whether the rows stand one behind the other.</summary>
    public bool IsDense => RowStride == UnitBytes;
}

/// <summary>All that is to change in a checkpoint: names, and rows within storages.</summary>
/// <param name="Renames">The new texts of names.</param>
/// <param name="Reorders">Blocks that do not overlap, in any order.</param>
public sealed record CheckpointEdit(IReadOnlyDictionary<NameEntry, string> Renames, IReadOnlyList<BlockReorder> Reorders);
