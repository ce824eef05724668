using QkvMigrate.Cli.Rendering.Inspecting;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a checkpoint is, for people who read it from a file or a pipe: plain, and a line for each thing.</summary>
internal static class InspectReport
{
    /// <summary>Columns of the strips. Nothing else is cut to a width, so that each thing stands in one line.</summary>
    private const int StripWidth = 80 - LabelWidth;

    private const int LabelWidth = 12;

    /// <summary>Writes all reports.</summary>
    public static void Write(TextWriter writer, IEnumerable<CheckpointReport> reports)
    {
        foreach (var report in reports.Where(InspectLines.IsWorthShowing))
        {
            writer.WriteLine(report.Path);
            Lines(InspectLines.Facts(report, StripWidth));
            if (report.Plan is { HasWork: true } plan)
            {
                Lines([new ReportLine("upgrade", $"changes {plan.Moves.Count} tensors:")]);
                TextReport.WritePlan(writer, plan);
            }

            Lines(InspectLines.Evidence(report));
            Lines(InspectLines.Remarks(report));
        }

        void Lines(IEnumerable<ReportLine> lines)
        {
            foreach (var line in lines)
            {
                writer.WriteLine(line.Label.Length == 0 ? $"    {line.Text}" : $"  {line.Label,-9} {line.Text}");
            }
        }
    }
}
