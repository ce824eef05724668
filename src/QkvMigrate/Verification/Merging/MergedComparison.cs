using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using QkvMigrate.Files;

namespace QkvMigrate.Verification.Merging;

/// <summary>
/// Compares a merged weight with the sum of its base's numbers and its LoRA's, made anew in float64. Rows without LoRA are compared as
/// bytes. A few rows and columns at a time are held, and the LoRA's two matrices.
/// </summary>
internal sealed class MergedComparison
{
    private const int ChunkBytes = 512 << 10;

    /// <summary>Columns that are worked on at a time: so many of A's rows stay in the processor's first cache.</summary>
    private const int TileColumns = 256;

    private readonly SourceFile original;
    private readonly SourceFile upgraded;
    private readonly MergedWeight merged;
    private readonly RegionPair pair;
    private readonly LoraDelta delta;
    private readonly MergeBound bound;
    private readonly SingleSums? singles;
    private readonly string dtype;
    private readonly int rowBytes;
    private readonly double[] deltas = new double[TileColumns];
    private readonly double[] weights = new double[TileColumns];
    private readonly double[] stored = new double[TileColumns];
    private readonly byte[] before;
    private readonly byte[] after;

    /// <summary>Reads the LoRA's matrices.</summary>
    /// <param name="original">The base's file.</param>
    /// <param name="upgraded">The merged file.</param>
    /// <param name="merged">The weight.</param>
    /// <param name="pair">Where it stands in both.</param>
    /// <exception cref="MigrationException">The LoRA cannot be read.</exception>
    public MergedComparison(SourceFile original, SourceFile upgraded, MergedWeight merged, RegionPair pair)
    {
        (this.original, this.upgraded, this.merged, this.pair) = (original, upgraded, merged, pair);
        var (a, b) = (merged.Pair.A, merged.Pair.B);
        delta = new LoraDelta(merged.Lora.File.Source, a, b);
        dtype = merged.Weight.DType.Name;
        bound = new MergeBound(dtype, a.DType.Name == "float64" ? a.DType.Name : b.DType.Name, merged.Pair.Rank, merged.Lora.Scaling);
        singles = dtype == "bfloat16" ? new SingleSums(delta, merged.Lora.Scaling) : null;
        rowBytes = checked((int)merged.RowBytes);
        var rows = (int)Math.Clamp(rowBytes == 0 ? 1 : ChunkBytes / rowBytes, 1, Math.Max(1, merged.Weight.Shape[0]));
        before = GC.AllocateUninitializedArray<byte>(checked(rows * rowBytes));
        after = GC.AllocateUninitializedArray<byte>(before.Length);
    }

    /// <summary>Compares all rows, or the first and last of each head and some of any other weight.</summary>
    public RegionResult Compare(VerificationMode mode, CancellationToken cancellation)
    {
        var log = new DifferenceLog();
        var isFull = mode == VerificationMode.Full || pair.After.Length <= RegionComparison.SmallBytes;
        if (rowBytes == 0)
        {
            return new RegionResult(log, 0, HasChecksum: false);
        }

        return isFull ? CompareAll(log, cancellation) : CompareSample(log, cancellation);
    }

    private RegionResult CompareAll(DifferenceLog log, CancellationToken cancellation)
    {
        var crc = new Crc32();
        var rows = merged.Weight.Shape[0];
        var perChunk = before.Length / rowBytes;
        for (var first = 0L; first < rows; first += perChunk)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = (int)Math.Min(perChunk, rows - first);
            upgraded.Read(pair.After.Offset + (first * rowBytes), after.AsSpan(0, count * rowBytes));
            if (pair.After.Crc is not null)
            {
                crc.Append(after.AsSpan(0, count * rowBytes));
            }

            if (log.Count < DifferenceLog.Kept)
            {
                CompareRows(first, count, log);
            }
        }

        if (pair.After.Crc is { } given && crc.GetCurrentHashAsUInt32() is var computed && computed != given)
        {
            log.Add(pair.Place, $"its headers give CRC-32 {given:x8}, its bytes have {computed:x8}", pair.After.Offset);
        }

        return new RegionResult(log, pair.After.Length, pair.After.Crc is not null);
    }

    private RegionResult CompareSample(DifferenceLog log, CancellationToken cancellation)
    {
        var compared = 0L;
        foreach (var row in Sample().TakeWhile(_ => log.Count < DifferenceLog.Kept))
        {
            cancellation.ThrowIfCancellationRequested();
            upgraded.Read(pair.After.Offset + (row * rowBytes), after.AsSpan(0, rowBytes));
            CompareRows(row, 1, log);
            compared += rowBytes;
        }

        return new RegionResult(log, compared, HasChecksum: false);
    }

    private IEnumerable<long> Sample()
    {
        const int Parts = 32;
        var rows = merged.Weight.Shape[0];
        var step = merged.Rows?.Geometry.HeadSize ?? Math.Max(1, rows / Parts);
        for (var row = 0L; row < rows; row += step)
        {
            yield return row;
            if (step > 1)
            {
                yield return Math.Min(row + step, rows) - 1;
            }
        }
    }

    /// <summary>Compares rows that stand in <see cref="after"/>.</summary>
    private void CompareRows(long first, int count, DifferenceLog log)
    {
        Span<MergedRow> rows = new MergedRow[count];
        for (var i = 0; i < count; i++)
        {
            rows[i] = merged.Row(first + i);
        }

        ReadBase(rows);
        Span<int> wrong = new int[count];
        wrong.Fill(-1);
        var columns = (int)merged.Weight.Shape[1];
        for (var column = 0; column < columns; column += TileColumns)
        {
            var width = Math.Min(TileColumns, columns - column);
            for (var i = 0; i < count; i++)
            {
                if (wrong[i] < 0 && FirstWrong(rows[i], i, column, width) is var at and >= 0)
                {
                    wrong[i] = column + at;
                }
            }
        }

        for (var i = 0; i < count && log.Count < DifferenceLog.Kept; i++)
        {
            if (wrong[i] >= 0)
            {
                log.Add(Describe(first + i, rows[i], i, wrong[i]));
            }
        }
    }

    /// <summary>Reads the base's rows, those that stand one behind the other at once.</summary>
    private void ReadBase(ReadOnlySpan<MergedRow> rows)
    {
        for (var start = 0; start < rows.Length;)
        {
            var end = start + 1;
            while (end < rows.Length && rows[end].Source == rows[end - 1].Source + 1)
            {
                end++;
            }

            original.Read(merged.Weight.FileOffset + (rows[start].Source * rowBytes), before.AsSpan(start * rowBytes, (end - start) * rowBytes));
            start = end;
        }
    }

    /// <summary>The first of some columns that is not what it must be, or -1.</summary>
    private int FirstWrong(in MergedRow row, int slot, int column, int width)
    {
        var item = merged.Weight.DType.ItemSize;
        var start = (slot * rowBytes) + (column * item);
        var old = before.AsSpan(start, width * item);
        var now = after.AsSpan(start, width * item);
        if (row.Delta is not { } place)
        {
            var same = old.CommonPrefixLength(now);
            return same == now.Length ? -1 : same / item;
        }

        if (singles is null)
        {
            return FirstWrong(place, column, old, now);
        }

        for (var at = 0; at < width;)
        {
            var rest = at * item;
            at += singles.FirstDoubtful(place, column + at, MemoryMarshal.Cast<byte, ushort>(old[rest..]), MemoryMarshal.Cast<byte, ushort>(now[rest..]));
            var end = Math.Min(at + SingleSums.Step, width);
            if (FirstWrong(place, column + at, old[(at * item)..(end * item)], now[(at * item)..(end * item)]) is var wrong and >= 0)
            {
                return at + wrong;
            }

            at = end;
        }

        return -1;
    }

    /// <summary>The same by sums in float64.</summary>
    private int FirstWrong(LoraRow place, int column, ReadOnlySpan<byte> old, ReadOnlySpan<byte> now)
    {
        var width = old.Length / merged.Weight.DType.ItemSize;
        delta.Row(place.RowOfB, place.Block, column, deltas.AsSpan(0, width));
        StoredNumbers.Read(old, dtype, weights);
        StoredNumbers.Read(now, dtype, stored);
        for (var at = 0; at < width;)
        {
            at += bound.FirstDoubtful(weights.AsSpan(at, width - at), deltas.AsSpan(at, width - at), stored.AsSpan(at, width - at));
            var end = Math.Min(at + Vector<double>.Count, width);
            if (FirstWrong(place, column, at, end) is var wrong and >= 0)
            {
                return wrong;
            }

            at = end;
        }

        return -1;
    }

    /// <summary>The same, number by number, with each product looked at.</summary>
    private int FirstWrong(LoraRow place, int column, int from, int to)
    {
        for (var at = from; at < to; at++)
        {
            if (!bound.IsRight(weights[at], delta.Terms(place.RowOfB, place.Block, column + at), stored[at]))
            {
                return at;
            }
        }

        return -1;
    }

    private Difference Describe(long row, in MergedRow made, int slot, int column)
    {
        var item = merged.Weight.DType.ItemSize;
        var at = (slot * rowBytes) + (column * item);
        StoredNumbers.Read(before.AsSpan(at, item), dtype, weights);
        StoredNumbers.Read(after.AsSpan(at, item), dtype, stored);
        var source = made.Source == row ? "" : $" of row {made.Source}";
        var sum = weights[0] + (made.Delta is { } place
            ? merged.Lora.Scaling * delta.Terms(place.RowOfB, place.Block, column).Sum(term => term.B * term.A)
            : 0);
        var problem = made.Delta is null
            ? $"column {column} is {stored[0]:R}, expected the base's {weights[0]:R}{source} bit for bit: it has no LoRA"
            : $"column {column} is {stored[0]:R}, expected {sum:R}: the base's {weights[0]:R}{source} and the LoRA's delta";
        return new Difference($"tensor '{merged.Weight.Label}'", problem)
        {
            Row = row,
            Section = made.Origin?.Section,
            Head = made.Origin?.Head,
            QueryGroup = made.Origin?.QueryGroup,
            Offset = pair.After.Offset + (row * rowBytes) + (column * item),
        };
    }
}
