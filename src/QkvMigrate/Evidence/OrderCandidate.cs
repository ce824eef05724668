using QkvMigrate.Attention;

namespace QkvMigrate.Evidence;

/// <summary>A way in which the rows of a fused matrix may be q, k and v.</summary>
/// <param name="Layout">Interleaved or sequential.</param>
/// <param name="Geometry">The geometry; null for the sequential layout, which it does not change.</param>
/// <param name="Runs">The section of each run of rows, and the row behind it.</param>
internal sealed record OrderCandidate(RowOrder Layout, AttentionGeometry? Geometry, (QkvSection Section, int End)[] Runs)
{
    /// <summary>Rotary embeddings turn pairs of rows, and no model has heads of more than a thousand.</summary>
    private const int LargestHead = 1024;

    /// <summary>
    /// Every order that the shapes allow, each once: with one query group the interleaved order is the sequential one.
    /// </summary>
    /// <param name="rows">Rows of the fused matrix.</param>
    /// <param name="columns">Columns of <c>attn.proj.weight</c>: n_head·head_size.</param>
    /// <param name="inUse">A geometry to have among them, whatever its head size; or null.</param>
    public static IReadOnlyList<OrderCandidate> Candidates(int rows, int columns, AttentionGeometry? inUse)
    {
        var keys = (rows - columns) / 2;
        if (columns < 1 || keys < 1 || columns + (2 * keys) != rows)
        {
            return [];
        }

        (QkvSection, int)[] runs = [(QkvSection.Query, columns), (QkvSection.Key, columns + keys), (QkvSection.Value, rows)];
        var sequential = new OrderCandidate(RowOrder.Sequential, null, runs);
        var sizes = Enumerable.Range(1, Math.Min(LargestHead, keys) / 2).Select(half => 2 * half).Where(size => columns % size == 0 && keys % size == 0);
        var geometries = sizes.Select(size => new AttentionGeometry(columns / size, keys / size, size))
            .Concat(inUse is null ? [] : new[] { inUse })
            .Distinct()
            .Where(geometry => geometry.Problem() is null && geometry.FusedRows == rows && geometry.QueryGroupCount > 1);
        return [sequential, .. geometries.Select(Interleaved)];
    }

    /// <summary>Whether a layout of a geometry has this order.</summary>
    public bool Is(RowOrder layout, AttentionGeometry geometry) =>
        Geometry is null ? layout == RowOrder.Sequential || geometry.QueryGroupCount == 1 : layout == Layout && geometry == Geometry;

    private static OrderCandidate Interleaved(AttentionGeometry geometry)
    {
        var runs = new List<(QkvSection, int)>();
        var end = 0;
        foreach (var block in RowOrder.Interleaved.Blocks(geometry))
        {
            end += geometry.HeadSize;
            runs.Add((block.Section, end));
        }

        return new OrderCandidate(RowOrder.Interleaved, geometry, [.. runs]);
    }

    /// <summary>
    /// The share of the variance of <paramref name="values"/> that the classes q, k and v explain: the sum of squares
    /// between classes over the whole sum of squares, from 0 to 1 (one-way analysis of variance, eta squared). Values that
    /// are not finite, as of rows of zeros, are left out.
    /// </summary>
    public double Explained(ReadOnlySpan<double> values)
    {
        Span<double> sums = [0, 0, 0];
        Span<int> counts = [0, 0, 0];
        var squares = 0.0;
        var row = 0;
        foreach (var (section, end) in Runs)
        {
            for (; row < end; row++)
            {
                if (double.IsFinite(values[row]))
                {
                    sums[(int)section] += values[row];
                    counts[(int)section]++;
                    squares += values[row] * values[row];
                }
            }
        }

        var count = counts[0] + counts[1] + counts[2];
        var mean = (sums[0] + sums[1] + sums[2]) / Math.Max(count, 1);
        var between = 0.0;
        for (var section = 0; section < 3; section++)
        {
            if (counts[section] > 0)
            {
                var difference = (sums[section] / counts[section]) - mean;
                between += counts[section] * difference * difference;
            }
        }

        var whole = squares - (count * mean * mean);
        return whole > squares * 1e-12 ? Math.Clamp(between / whole, 0, 1) : 0;
    }
}
