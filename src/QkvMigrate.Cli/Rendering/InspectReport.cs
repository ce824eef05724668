using QkvMigrate.Migration;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a checkpoint is, for people.</summary>
internal static class InspectReport
{
    /// <summary>Writes all reports.</summary>
    public static void Write(TextWriter writer, IEnumerable<CheckpointReport> reports)
    {
        foreach (var report in reports)
        {
            if (report.Layout is null && report.Error is not null)
            {
                WriteRefused(writer, report);
                continue;
            }

            writer.WriteLine(report.Path);
            Line("format", report.Format is { } format ? JsonNames.Kebab(format.ToString()) : "unknown");
            Line("size", $"{ByteSize.Text(report.SourceBytes)} in {report.TensorCount} tensors");
            var layout = report.Layout ?? CheckpointLayout.None;
            Line("layout", $"{JsonNames.Kebab(layout.ToString())}: {TextReport.Reason(layout)}");
            if (report.Geometry is { } geometry)
            {
                Line("geometry", $"{geometry} (from {report.GeometrySource})");
            }

            if (report.Plan is { IsNeeded: true } plan)
            {
                Line("upgrade", $"changes {plan.Moves.Count} tensors:");
                TextReport.WritePlan(writer, plan);
            }

            if (report.Evidence is { } evidence)
            {
                EvidenceTable.Write(writer, evidence);
            }

            foreach (var group in report.Globals.GroupBy(use => use.Safety).OrderByDescending(group => group.Key))
            {
                Line("globals", $"{JsonNames.Kebab(group.Key.ToString())}: {string.Join(", ", group.DistinctBy(use => use.Name).Select(Global))}");
            }

            foreach (var advice in report.Advice)
            {
                Line("note", $"[{advice.Code}] {advice.Message}");
            }
        }

        static string Global(GlobalUse use) =>
            use.Safety == GlobalSafety.Dangerous ? $"{use.Name} ({use.Where} at byte {use.Offset}: {use.Why})" : use.Name;

        void Line(string name, string value) => writer.WriteLine($"  {name,-9} {value}");
    }

    /// <summary>Why it is refused stands on standard error; what its weights say may show the way out.</summary>
    private static void WriteRefused(TextWriter writer, CheckpointReport report)
    {
        if (report.Evidence is { } evidence)
        {
            writer.WriteLine(report.Path);
            EvidenceTable.Write(writer, evidence);
        }
    }
}
