using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>
/// Cuts a reorder segment into slabs of bounded size, each a contiguous range of the destination, so that
/// neither a tensor nor a file is ever whole in memory.
/// </summary>
internal static class SlabCutter
{
    /// <summary>The slabs of <paramref name="segment"/>, in the order of the destination.</summary>
    public static IEnumerable<Slab> Cut(ReorderSegment segment, int capacity)
    {
        var block = checked(segment.Permutation.RowCount * segment.RowBytes);
        return block <= capacity && segment.Repetitions > 1
            ? WholeBlocks(segment, block, capacity)
            : Range(0, segment.Repetitions).SelectMany(repetition => Rows(segment, repetition * block, capacity));
    }

    /// <summary>Several repetitions at once: small blocks of column-major tensors.</summary>
    private static IEnumerable<Slab> WholeBlocks(ReorderSegment segment, long block, int capacity)
    {
        var perSlab = capacity / block;
        var runs = segment.Permutation.Runs.ToArray();
        for (var repetition = 0L; repetition < segment.Repetitions; repetition += perSlab)
        {
            var count = (int)Math.Min(perSlab, segment.Repetitions - repetition);
            var gather = new Gather(count, segment.Permutation.RowCount, (int)segment.RowBytes, runs);
            var range = new SlabRange(segment.Offset + (repetition * block), gather.ByteCount);
            yield return new Slab(segment.Target + (repetition * block), segment.Checksum, segment.Source, [range], gather);
        }
    }

    /// <summary>One repetition in slabs of rows; a row larger than a slab is cut into its bytes.</summary>
    private static IEnumerable<Slab> Rows(ReorderSegment segment, long start, int capacity)
    {
        var unit = segment.RowBytes;
        var scale = 1L;
        if (unit > capacity)
        {
            // The largest part of a row that divides it and fits; rows of one byte in the worst case, which no model has.
            scale = Enumerable.Range(1, 1 << 16).Select(parts => (long)parts).FirstOrDefault(parts => unit % parts == 0 && unit / parts <= capacity, unit);
            unit /= scale;
        }

        var perSlab = capacity / unit;
        var filled = new List<(long Start, long Length)>();
        var room = perSlab;
        var target = segment.Target + start;
        foreach (var run in segment.Permutation.Runs)
        {
            var first = run.Start * scale;
            for (var left = run.Length * scale; left > 0;)
            {
                var take = Math.Min(left, room);
                filled.Add((first, take));
                first += take;
                left -= take;
                room -= take;
                if (room == 0)
                {
                    yield return Assemble(segment, start, target, filled, (int)unit);
                    target += perSlab * unit;
                    room = perSlab;
                    filled.Clear();
                }
            }
        }

        if (filled.Count > 0)
        {
            yield return Assemble(segment, start, target, filled, (int)unit);
        }
    }

    /// <summary>Reads the rows in the source's order, and has the engine bring them into the destination's.</summary>
    private static Slab Assemble(ReorderSegment segment, long block, long target, List<(long Start, long Length)> rows, int unit)
    {
        var places = new Dictionary<long, int>(rows.Count);
        var ranges = new List<SlabRange>();
        var next = 0;
        var end = -1L;
        foreach (var (start, length) in rows.OrderBy(row => row.Start))
        {
            places.Add(start, next);
            next += (int)length;
            if (start == end)
            {
                ranges[^1] = ranges[^1] with { Length = ranges[^1].Length + (int)(length * unit) };
            }
            else
            {
                ranges.Add(new SlabRange(segment.Offset + block + (start * unit), (int)(length * unit)));
            }

            end = start + length;
        }

        var runs = rows.Select(row => new RowRun(places[row.Start], (int)row.Length)).ToArray();
        return new Slab(target, segment.Checksum, segment.Source, ranges, new Gather(1, next, unit, runs));
    }

    private static IEnumerable<long> Range(long start, long end)
    {
        for (var i = start; i < end; i++)
        {
            yield return i;
        }
    }
}
