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

    /// <summary>Lays down the storage; <paramref name="blocks"/> are sorted by offset. Those with gaps may stand in one another's gaps.</summary>
    /// <exception cref="ArgumentException">Two blocks have a byte in common, or one leaves the storage.</exception>
    public static void LayDown(FilePlanBuilder builder, StorageEntry storage, IReadOnlyList<BlockReorder> blocks)
    {
        var done = 0L;
        for (var i = 0; i < blocks.Count;)
        {
            var block = blocks[i];
            if (block.Offset < done)
            {
                throw Overlapping(storage, block.Offset);
            }

            builder.Copy(storage.Source, storage.Offset + done, block.Offset - done);
            var (end, next) = (End(storage, block), i + 1);
            for (; next < blocks.Count && blocks[next].Offset < end; next++)
            {
                end = Math.Max(end, End(storage, blocks[next]));
            }

            if (block.IsDense && next == i + 1)
            {
                builder.Reorder(storage.Source, storage.Offset + block.Offset, block.Repetitions, block.SpanBytes, block.Permutation);
            }
            else
            {
                LayDownSpans(builder, storage, block.Offset, [.. blocks.Skip(i).Take(next - i)]);
            }

            (done, i) = (end, next);
        }

        builder.Copy(storage.Source, storage.Offset + done, storage.Length - done);
    }

    /// <summary>Span by span: each from its row's place in the source, and the bytes between two spans from their own.</summary>
    private static void LayDownSpans(FilePlanBuilder builder, StorageEntry storage, long start, IReadOnlyList<BlockReorder> blocks)
    {
        var done = start;
        foreach (var (target, source, length) in blocks.Count == 1 ? Spans(blocks[0]) : InOrder(blocks))
        {
            if (target < done)
            {
                throw Overlapping(storage, target);
            }

            builder.Copy(storage.Source, storage.Offset + done, target - done);
            builder.CopyRow(storage.Source, storage.Offset + source, length);
            done = target + length;
        }
    }

    /// <summary>The spans of several blocks, in the order of their places in the new storage.</summary>
    private static IEnumerable<(long Target, long Source, long Length)> InOrder(IReadOnlyList<BlockReorder> blocks)
    {
        var next = new PriorityQueue<IEnumerator<(long Target, long Source, long Length)>, long>();
        foreach (var spans in blocks.Select(block => Spans(block).GetEnumerator()))
        {
            Advance(spans);
        }

        while (next.TryDequeue(out var spans, out _))
        {
            yield return spans.Current;
            Advance(spans);
        }

        void Advance(IEnumerator<(long Target, long Source, long Length)> spans)
        {
            if (spans.MoveNext())
            {
                next.Enqueue(spans, spans.Current.Target);
            }
        }
    }

    /// <summary>The spans of a block, in bytes from the start of the storage, in the order of their new places.</summary>
    private static IEnumerable<(long Target, long Source, long Length)> Spans(BlockReorder block)
    {
        for (var repetition = 0L; repetition < block.Repetitions; repetition++)
        {
            var start = block.Offset + (repetition * block.Permutation.RowCount * block.RowStride);
            var target = start;
            foreach (var run in block.Permutation.Runs)
            {
                for (var row = run.Start; row < run.End; row++, target += block.RowStride)
                {
                    foreach (var span in block.Spans)
                    {
                        yield return (target + span, start + (row * block.RowStride) + span, block.SpanBytes);
                    }
                }
            }
        }
    }

    private static long End(StorageEntry storage, BlockReorder block) =>
        block.Length <= storage.Length - block.Offset
            ? block.Offset + block.Length
            : throw new ArgumentException($"block at byte {block.Offset} leaves storage {storage.Key}", nameof(block));

    private static ArgumentException Overlapping(StorageEntry storage, long at) => new($"blocks of storage {storage.Key} overlap at byte {at}", nameof(storage));
}
