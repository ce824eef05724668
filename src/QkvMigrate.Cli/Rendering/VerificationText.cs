using QkvMigrate.Torch.Verification;
using QkvMigrate.Verification;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a verification found, for people: a line for the file, a line for each difference.</summary>
internal static class VerificationText
{
    private const string Indent = "  ";
    private const string OfTree = "what belongs to no single checkpoint";

    /// <summary>Writes all reports but those that could not be made, whose one line is on standard error.</summary>
    public static void Write(TextWriter writer, IEnumerable<VerificationReport> reports, ForwardCheckResult? models)
    {
        foreach (var report in reports.Where(report => report.Error is null))
        {
            writer.WriteLine($"{(report.IsVerified ? "verified" : "differs")}: {report.Original} -> {report.Upgraded}");
            foreach (var difference in report.Differences)
            {
                writer.WriteLine($"{Indent}{difference}");
            }

            if (report.DifferenceCount > report.Differences.Count)
            {
                writer.WriteLine($"{Indent}and at least {report.DifferenceCount - report.Differences.Count} more");
            }

            if (report.IsVerified)
            {
                writer.WriteLine($"{Indent}{(report.IsOfTree ? OfTree : Covered(report))}");
                Write(writer, "covered", report.Covered);
                Write(writer, "not covered", report.LeftOut);
            }
        }

        if (models is not null)
        {
            writer.WriteLine(
                $"{(models.IsSame ? "verified" : "differs")}: the models' logits differ by at most {models.MaximumDifference:0.0e+0} "
                + $"(tolerance {models.Tolerance:0.0e+0}), and {models.OriginalContinuation.Count} greedy tokens are "
                + $"{(models.ContinuationIsSame ? "the same" : "not the same")}");
        }
    }

    private static void Write(TextWriter writer, string what, IReadOnlyList<ProofLine> lines)
    {
        foreach (var line in lines)
        {
            writer.WriteLine($"{Indent}{what}: {line.Subject}: {line.Statement.Replace('\n', ' ').Replace('\r', ' ')}");
        }
    }

    /// <summary>One sentence on what was compared.</summary>
    public static string Covered(VerificationReport report)
    {
        var coverage = report.Coverage;
        var way = report.Direction switch
        {
            _ when report.Exported is { } model => $"{coverage.Tensors} tensors became the {coverage.Regions} of a {model}",
            MigrationDirection.Upgrade =>
                $"rows of {coverage.MovedTensors} of {coverage.Tensors} tensors from interleaved to sequential, {coverage.RenamedNames} names changed",
            MigrationDirection.Downgrade =>
                $"rows of {coverage.MovedTensors} of {coverage.Tensors} tensors from sequential to interleaved, {coverage.RenamedNames} names changed",
            _ when coverage.MergedWeights > 0 => $"{coverage.Tensors} tensors",
            _ => $"{coverage.Tensors} tensors, none of which had to change",
        };
        var geometry = report.Geometry is { } numbers ? $", {numbers}" : "";
        var lora = report.LoraRank is { } rank
            ? $", LoRA of rank {rank.Before} in {coverage.ExpandedLayers} layers multiplied out against rank {rank.After}"
            : "";
        lora += coverage.MergedWeights > 0 ? $", a LoRA added to {coverage.MergedWeights} weights" : "";
        var dropped = coverage.DroppedRecords > 0 ? $", {coverage.DroppedRecords} storages that nothing names left out" : "";
        var checksums = coverage.StoredChecksums > 0 ? $" and {coverage.Checksums} of {coverage.StoredChecksums} checksums" : "";
        var bytes = $"{ByteSize.Text(coverage.ComparedBytes)} of {ByteSize.Text(coverage.TotalBytes)}";
        return $"{way}{geometry}{lora}{dropped}; compared {bytes}{checksums} in {report.Elapsed.TotalSeconds:0.00} s";
    }
}
