namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>Lays a storage down again with some of its blocks reordered.</summary>
internal static class StorageLayout
{
    /// <summary>Lays down the storage; <paramref name="blocks"/> are sorted by offset and do not overlap.</summary>
    public static void LayDown(FileLayoutBuilder builder, StorageEntry storage, IReadOnlyList<BlockReorder> blocks)
    {
        var done = 0L;
        foreach (var block in blocks)
        {
            if (block.Offset < done || block.Length > storage.Length - block.Offset)
            {
                throw new ArgumentException($"block at byte {block.Offset} of storage {storage.Key} overlaps another or leaves the storage", nameof(blocks));
            }

            builder.Copy(storage.Offset + done, block.Offset - done);
            if (block.IsDense)
            {
                builder.Reorder(storage.Offset + block.Offset, block.Outer, block.UnitBytes, block.Permutation);
            }
            else
            {
                LayDownGapped(builder, storage.Offset + block.Offset, block);
            }

            done = block.Offset + block.Length;
        }

        builder.Copy(storage.Offset + done, storage.Length - done);
    }

    /// <summary>Row by row: each from its place in the source, and the bytes between two rows from their own.</summary>
    private static void LayDownGapped(FileLayoutBuilder builder, long start, BlockReorder block)
    {
        var target = 0;
        foreach (var run in block.Permutation.Runs)
        {
            for (var row = run.Start; row < run.End; row++, target++)
            {
                builder.Copy(start + (row * block.RowStride), block.UnitBytes);
                if (target + 1 < block.Permutation.RowCount)
                {
                    builder.Copy(start + (target * block.RowStride) + block.UnitBytes, block.RowStride - block.UnitBytes);
                }
            }
        }
    }
}
