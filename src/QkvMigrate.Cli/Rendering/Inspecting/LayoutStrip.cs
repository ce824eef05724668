using QkvMigrate.Attention;

namespace QkvMigrate.Cli.Rendering.Inspecting;

/// <summary>
/// A picture of the rows of a fused matrix in one line: the heads of q, k and v in their order, group by group. As many
/// heads as fit are shown one by one, and more of them as counts.
/// </summary>
internal static class LayoutStrip
{
    private const string Gap = " | ";
    private const string NarrowGap = " ";

    /// <summary>The strips of layouts that are to be compared, in the same detail: the finest in which all fit.</summary>
    /// <param name="geometry">The geometry.</param>
    /// <param name="width">Columns of the line.</param>
    /// <param name="layouts">The layouts.</param>
    public static IReadOnlyList<IReadOnlyList<ReportSpan>> Of(AttentionGeometry geometry, int width, params IReadOnlyList<RowOrder> layouts)
    {
        if (geometry.HeadCount + (2L * geometry.QueryGroupCount) <= width)
        {
            foreach (var (draw, gap) in new (Func<IReadOnlyList<LayoutRun>, IEnumerable<ReportSpan>>, string)[] { (Numbered, Gap), (Letters, NarrowGap) })
            {
                var strips = layouts.Select(layout => Join(LayoutRun.Groups(layout, geometry).Select(draw), gap)).ToList();
                if (strips.TrueForAll(strip => Width(strip) <= width))
                {
                    return strips;
                }
            }
        }

        return [.. layouts.Select(layout => Counts(LayoutRun.Groups(layout, geometry), LayoutRun.CountGroups(layout, geometry), width))];
    }

    /// <summary><c>q0 q1 k0 v0</c>.</summary>
    private static IEnumerable<ReportSpan> Numbered(IReadOnlyList<LayoutRun> group) =>
        group.SelectMany(run => Enumerable.Range(run.First, run.Count).Select(head => new ReportSpan($" {run.Letter}{head} ", run.Section)));

    /// <summary><c>qqkv</c>.</summary>
    private static IEnumerable<ReportSpan> Letters(IReadOnlyList<LayoutRun> group) =>
        group.Select(run => new ReportSpan(new string(run.Letter, run.Count), run.Section));

    /// <summary><c>2q k v</c>.</summary>
    private static IEnumerable<ReportSpan> Counted(IReadOnlyList<LayoutRun> group) =>
        group.Select(run => new ReportSpan(run.Count == 1 ? $" {run.Letter} " : $" {run.Count}{run.Letter} ", run.Section));

    /// <summary>Every group where they fit; else the first ones, how many are left out, and the last one, which is like them.</summary>
    private static List<ReportSpan> Counts(IEnumerable<IReadOnlyList<LayoutRun>> groups, int count, int width)
    {
        var first = Counted(groups.First()).ToList();
        var each = Width(first) + Gap.Length;
        if (count * (long)each <= width + Gap.Length || count <= 3)
        {
            return Join(groups.Select(Counted), Gap);
        }

        string LeftOut(int shown) => $"... {count - shown} more ...";
        var shown = Math.Max(2, (width - LeftOut(0).Length) / each);
        return Join([.. Enumerable.Repeat(first, shown - 1), [new ReportSpan(LeftOut(shown))], first], Gap);
    }

    private static List<ReportSpan> Join(IEnumerable<IEnumerable<ReportSpan>> groups, string gap)
    {
        var line = new List<ReportSpan>();
        foreach (var group in groups)
        {
            if (line.Count > 0)
            {
                line.Add(new ReportSpan(gap));
            }

            line.AddRange(group);
        }

        return line;
    }

    private static int Width(IEnumerable<ReportSpan> spans) => spans.Sum(span => span.Text.Length);
}
