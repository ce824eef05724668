using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>Lays a storage down again with some of its blocks reordered.</summary>
internal static class StorageLayout
{
    /// <summary>
    /// Lays down <paramref name="source"/> from <paramref name="start"/> to <paramref name="end"/>, with the storages that lie
    /// there and change.
    /// </summary>
    public static void LayDown(FilePlanBuilder builder, SourceFile source, long start, long end, IReadOnlyList<BlockReorder> reorders)
    {
        var done = start;
        foreach (var group in reorders.GroupBy(reorder => reorder.Storage).OrderBy(group => group.Key.Offset))
        {
            builder.Copy(source, done, group.Key.Offset - done);
            LayDown(builder, group.Key, [.. group.OrderBy(block => block.Offset)]);
            done = group.Key.Offset + group.Key.Length;
        }

        builder.Copy(source, done, end - done);
    }

    /// <summary>Lays down the storage; <paramref name="blocks"/> are sorted by offset and do not overlap.</summary>
    public static void LayDown(FilePlanBuilder builder, StorageEntry storage, IReadOnlyList<BlockReorder> blocks)
    {
        var done = 0L;
        foreach (var block in blocks)
        {
            if (block.Offset < done || block.Length > storage.Length - block.Offset)
            {
                throw new ArgumentException($"block at byte {block.Offset} of storage {storage.Key} overlaps another or leaves the storage", nameof(blocks));
            }

            builder.Copy(storage.Source, storage.Offset + done, block.Offset - done);
            if (block.IsDense)
            {
                builder.Reorder(storage.Source, storage.Offset + block.Offset, block.Repetitions, block.SpanBytes, block.Permutation);
            }
            else
            {
                LayDownGapped(builder, storage.Source, storage.Offset + block.Offset, block);
            }

            done = block.Offset + block.Length;
        }

        builder.Copy(storage.Source, storage.Offset + done, storage.Length - done);
    }

    /// <summary>Span by span: each from its row's place in the source, and the bytes between two spans from their own.</summary>
    private static void LayDownGapped(FilePlanBuilder builder, SourceFile source, long start, BlockReorder block)
    {
        var target = 0;
        var done = 0L;
        foreach (var run in block.Permutation.Runs)
        {
            for (var row = run.Start; row < run.End; row++, target++)
            {
                foreach (var span in block.Spans)
                {
                    var place = (target * block.RowStride) + span;
                    builder.Copy(source, start + done, place - done);
                    builder.CopyRow(source, start + (row * block.RowStride) + span, block.SpanBytes);
                    done = place + block.SpanBytes;
                }
            }
        }
    }
}
