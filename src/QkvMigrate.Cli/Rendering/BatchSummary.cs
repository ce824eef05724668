using QkvMigrate.Running;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes the last line of a report of many checkpoints.</summary>
internal static class BatchSummary
{
    /// <summary>How many ended how, and the bytes of all; nothing where there is one checkpoint, whose own lines say it.</summary>
    public static void Write(TextWriter writer, IReadOnlyList<CheckpointReport> reports)
    {
        if (reports.Count <= 1)
        {
            return;
        }

        var counts = reports
            .CountBy(report => report.Status)
            .OrderBy(count => count.Key)
            .Select(count => $"{count.Value} {JsonNames.Kebab(count.Key.ToString())}");
        writer.WriteLine($"total: {string.Join(", ", counts)}; {ByteSize.Text(reports.Sum(report => report.SourceBytes))} in {reports.Count} checkpoints");
    }
}
