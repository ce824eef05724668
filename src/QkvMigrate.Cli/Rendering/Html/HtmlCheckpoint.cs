using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Cli.Rendering.Inspecting;
using QkvMigrate.Running;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>Writes what a checkpoint is into a page.</summary>
internal static class HtmlCheckpoint
{
    private static readonly string[] Headings = ["tensors", "new name", "count", "type", "change"];

    /// <summary>Writes the section of one checkpoint; its matrices are read for it.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static void Write(HtmlWriter page, CheckpointReport report, IWriteProgress? progress, CancellationToken cancellation) =>
        page.Element("section", null, () =>
        {
            page.Element("h2", null, report.Path);
            if (report.Error is { } error)
            {
                page.Element("p", "warning", $"{JsonNames.Kebab(report.Status.ToString())}: {error.Message}");
                Lines(page, InspectLines.Evidence(report));
                return;
            }

            Lines(page, InspectLines.Facts(report));
            if (report.Geometry is { } geometry)
            {
                Pictures(page, report, geometry, progress, cancellation);
            }

            Changes(page, report);
            Lines(page, InspectLines.Evidence(report).Concat(InspectLines.Remarks(report)));
        });

    private static void Lines(HtmlWriter page, IEnumerable<ReportLine> lines) => page.Element("dl", "facts", () =>
    {
        foreach (var line in lines)
        {
            page.Element("dt", null, line.Label);
            page.Element("dd", line.Spans.Any(span => span.IsWarning) ? "warning" : null, line.Text);
        }
    });

    private static void Pictures(HtmlWriter page, CheckpointReport report, AttentionGeometry geometry, IWriteProgress? progress, CancellationToken cancellation)
    {
        var orders = RowOrders.Of(report);
        page.Element("h3", null, "Rows of each fused matrix");
        HtmlStrip.Write(page, geometry, orders);
        page.Element("h3", null, "Norms of the heads");
        if (HeadMap.Measure(report.Path, orders[0].Order, geometry, progress, cancellation) is not { } map)
        {
            page.Element("p", null, "There is no fused matrix of floats in the file whose heads could be measured and shown.");
            return;
        }

        var scale = new HeatScale(map.Layers.SelectMany(layer => layer.Norms));
        page.Element(
            "p",
            null,
            $"The Frobenius norm of each head's {geometry.HeadSize} rows, a row of the picture for each layer{Chosen(map)}. In trained "
            + "models q, k and v differ in it: where the tool is right about them, the columns under one colour look alike, and after an "
            + "upgrade they lie together.");
        foreach (var (title, order) in orders)
        {
            HtmlHeatMap.Write(page, map, order, scale, title);
        }

        Legend(page, scale, map, orders[0].Order);
    }

    private static string Chosen(HeadMap map) =>
        map.Layers.Count < map.LayerCount ? $" ({map.Layers.Count} of {map.LayerCount}, evenly chosen)" : "";

    private static void Legend(HtmlWriter page, HeatScale scale, HeadMap map, RowOrder layout) => page.Element("p", "legend", () =>
    {
        if (scale.Largest > 0)
        {
            page.Element("span", null, HtmlHeatMap.Norm(scale.Smallest));
            page.Element("span", "scale", "");
            page.Element("span", null, HtmlHeatMap.Norm(scale.Largest));
        }

        foreach (var section in map.Columns(layout).GroupBy(column => column.Block.Section))
        {
            var mean = map.Layers.SelectMany(layer => section.Select(column => layer.Norms[column.Place])).Average();
            page.Element("span", "mean", () =>
            {
                page.Element("span", HtmlHeatMap.Style(section.Key), HtmlHeatMap.Style(section.Key));
                page.Text($" {HtmlHeatMap.Norm(mean)} on average");
            });
        }
    });

    private static void Changes(HtmlWriter page, CheckpointReport report)
    {
        if (report is not { Plan: { HasWork: true } plan, Changes.ReorderedBytes: var reordered })
        {
            return;
        }

        var names = plan.NameChanges.Count > 0 ? $" {plan.NameChanges.Count} names in _metadata, optimizers and keys of modules follow." : "";
        page.Element("h3", null, "What an upgrade changes");
        page.Element(
            "p",
            null,
            $"{plan.Moves.Count} of {report.TensorCount} tensors; {ByteSize.Text(reordered)} of {ByteSize.Text(report.SourceBytes)} "
            + $"are reordered. {plan.UntouchedTensors} tensors are left alone.{names}");
        page.Element("table", null, () =>
        {
            page.Element("tr", null, () =>
            {
                foreach (var heading in Headings)
                {
                    page.Element("th", null, heading);
                }
            });
            foreach (var group in ChangeGroup.Of(plan))
            {
                page.Element("tr", null, () =>
                {
                    page.Element("td", "name", group.Names);
                    page.Element("td", "name", group.NewName ?? "");
                    page.Element("td", null, group.Count.ToString(CultureInfo.InvariantCulture));
                    page.Element("td", null, group.Kind);
                    page.Element("td", null, group.Change);
                });
            }
        });
    }
}
