using QkvMigrate.Running.Originals;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a proof from checksums found, for people.</summary>
internal static class OriginalText
{
    private const string Indent = "  ";

    /// <summary>Writes all reports but those that could not be made, whose one line is on standard error.</summary>
    public static void Write(TextWriter writer, OriginalProof proof)
    {
        foreach (var report in proof.Reports.Where(report => report.Error is null))
        {
            writer.WriteLine(report.ExpectedSha256 is { } expected
                ? $"{(report.IsVerified ? "verified" : "differs")}: sha256:{expected} -> {report.Path}"
                : $"differs: {report.Path}");
            writer.WriteLine($"{Indent}{report.Problem ?? Proven(report)}");
        }

        foreach (var path in proof.Unlisted)
        {
            writer.WriteLine($"not looked at, for there is no checksum of it: {path}");
        }
    }

    private static string Proven(OriginalReport report)
    {
        var way = report.Direction switch
        {
            not null when report.TensorCount == 0 => "undone",
            MigrationDirection.Upgrade => $"undone, rows of {report.MovedTensors} of {report.TensorCount} tensors from sequential to interleaved",
            MigrationDirection.Downgrade => $"undone, rows of {report.MovedTensors} of {report.TensorCount} tensors from interleaved to sequential",
            _ => "nothing was done to it",
        };
        var geometry = report.Geometry is { } numbers ? $", {numbers}" : "";
        return $"{way}{geometry}; hashed {ByteSize.Text(report.HashedBytes)} in {report.Elapsed.TotalSeconds:0.00} s";
    }
}
