using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Cli.Rendering.Inspecting;

namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>Draws the norms of the heads: a column for each head in the order of the rows, a row for each layer.</summary>
internal static class HtmlHeatMap
{
    /// <summary>Columns up to which each has room for its head's name.</summary>
    private const int NamedColumns = 32;

    /// <summary>Columns up to which each has room for its letter.</summary>
    private const int LetteredColumns = 128;

    private const int SmallestHeight = 48;
    private const int LargestHeight = 640;
    private const int LayerHeight = 18;

    /// <summary>Draws <paramref name="map"/> with its heads in the order of <paramref name="order"/>.</summary>
    public static void Write(HtmlWriter page, HeadMap map, RowOrder order, HeatScale scale, string caption)
    {
        var columns = map.Columns(order);
        page.Element("figure", "map", () =>
        {
            page.Element("figcaption", null, caption);
            page.Element("div", "heads", () =>
            {
                foreach (var (block, _) in columns)
                {
                    page.Element("span", Style(block.Section), Label(block, columns.Count));
                }
            });
            page.Element("div", "layers", () =>
            {
                page.Element("span", null, "layer 0");
                if (map.Layers.Count > 1)
                {
                    page.Element("span", null, Number(map.LayerCount - 1));
                }
            });
            Cells(page, map, columns, scale);
        });
    }

    /// <summary>The class of a section's colour.</summary>
    public static string Style(QkvSection section) => LayoutRun.LetterOf(section).ToString();

    /// <summary>A norm in five digits, the same on every page.</summary>
    public static string Norm(double norm) => norm.ToString("G5", CultureInfo.InvariantCulture);

    private static void Cells(HtmlWriter page, HeadMap map, IReadOnlyList<(HeadBlock Block, int Place)> columns, HeatScale scale)
    {
        var height = Math.Clamp(map.Layers.Count * LayerHeight, SmallestHeight, LargestHeight);
        page.Element("svg", null, () =>
        {
            for (var y = 0; y < map.Layers.Count; y++)
            {
                for (var x = 0; x < columns.Count; x++)
                {
                    var (block, place) = columns[x];
                    var norm = map.Layers[y].Norms[place];
                    var title = $"{map.Layers[y].Tensor}, {LayoutRun.LetterOf(block.Section)}{block.Head}: {Norm(norm)}";
                    page.Element(
                        "rect",
                        scale.Colour(norm) is null ? "none" : null,
                        () => page.Element("title", null, title),
                        ("x", Number(x)),
                        ("y", Number(y)),
                        ("width", "1"),
                        ("height", "1"),
                        ("fill", scale.Colour(norm) ?? "currentColor"));
                }
            }
        },
        ("viewBox", $"0 0 {columns.Count} {map.Layers.Count}"),
        ("preserveAspectRatio", "none"),
        ("height", Number(height)),
        ("role", "img"),
        ("aria-label", $"norms of {columns.Count} heads in {map.Layers.Count} layers"));
    }

    private static string Label(HeadBlock block, int columns)
    {
        var letter = LayoutRun.LetterOf(block.Section);
        return columns <= NamedColumns ? $"{letter}{block.Head}" : columns <= LetteredColumns ? $"{letter}" : "";
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
