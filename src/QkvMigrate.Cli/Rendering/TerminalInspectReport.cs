using QkvMigrate.Cli.Rendering.Inspecting;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Running;
using Spectre.Console;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a checkpoint is, for people at a terminal: in its width, in colours, tensors of all layers as one.</summary>
internal static class TerminalInspectReport
{
    private const int LabelWidth = 9;
    private const int Indent = 2;

    /// <summary>Writes all reports.</summary>
    public static void Write(IAnsiConsole console, IEnumerable<CheckpointReport> reports)
    {
        // The last column stays free: some terminals wrap a line that fills it.
        var width = console.Profile.Width - Indent - LabelWidth - 2;
        foreach (var report in reports.Where(InspectLines.IsWorthShowing))
        {
            var lines = new Grid { Expand = false }
                .AddColumn(new GridColumn { NoWrap = true, Width = LabelWidth, Padding = new Padding(Indent, 0, 1, 0) })
                .AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0), Width = width });
            IEnumerable<ReportLine> all =
            [
                .. InspectLines.Facts(report, width),
                .. Changes(report),
                .. InspectLines.Evidence(report),
                .. InspectLines.Remarks(report),
            ];
            foreach (var line in all)
            {
                lines.AddRow(new Text(line.Label, Palette.Faint), Paragraph(line));
            }

            console.Write(new Text(Printable.Text(report.Path), Palette.Title));
            console.WriteLine();
            console.Write(lines);
        }
    }

    private static IEnumerable<ReportLine> Changes(CheckpointReport report)
    {
        if (report is not { Plan: { HasWork: true } plan, Changes.ReorderedBytes: var reordered })
        {
            yield break;
        }

        yield return new ReportLine(
            "upgrade",
            $"changes {plan.Moves.Count} of {report.TensorCount} tensors; {ByteSize.Text(reordered)} of {ByteSize.Text(report.SourceBytes)} are reordered");
        foreach (var group in ChangeGroup.Of(plan))
        {
            yield return new ReportLine("", $"{group.Names}{(group.NewName is { } name ? $" -> {name}" : "")}");
            yield return new ReportLine("", $"  {group.Count} x {group.Kind}, {group.Change}");
        }

        if (plan.NameChanges.Count > 0)
        {
            yield return new ReportLine("", $"{plan.NameChanges.Count} names in _metadata, optimizers and keys of modules");
        }
    }

    private static Paragraph Paragraph(ReportLine line)
    {
        var paragraph = new Paragraph();
        foreach (var span in line.Spans)
        {
            paragraph.Append(Printable.Text(span.Text), span.IsWarning ? Palette.Warning : span.Section is { } section ? Palette.Block(section) : Style.Plain);
        }

        return paragraph;
    }
}
