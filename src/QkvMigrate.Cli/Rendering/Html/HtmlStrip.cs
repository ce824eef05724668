using QkvMigrate.Attention;
using QkvMigrate.Cli.Rendering.Inspecting;

namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>Draws the order of the rows of a fused matrix as blocks, group by group.</summary>
internal static class HtmlStrip
{
    /// <summary>Columns of a strip, which a page of ordinary width has in its small print.</summary>
    private const int Width = 128;

    /// <summary>Draws the strips of layouts in the same detail, each with its title.</summary>
    public static void Write(HtmlWriter page, AttentionGeometry geometry, params IReadOnlyList<(string Title, RowOrder Layout)> strips)
    {
        var drawn = LayoutStrip.Of(geometry, Width, [.. strips.Select(strip => strip.Layout)]);
        page.Element("dl", "strips", () =>
        {
            foreach (var (title, spans) in strips.Select(strip => strip.Title).Zip(drawn))
            {
                page.Element("dt", null, title);
                page.Element("dd", "strip", () => Spans(page, spans));
            }
        });
    }

    private static void Spans(HtmlWriter page, IReadOnlyList<ReportSpan> spans)
    {
        foreach (var span in spans)
        {
            page.Element("span", span.Section is { } section ? HtmlHeatMap.Style(section) : "gap", span.Text.Trim());
        }
    }
}
