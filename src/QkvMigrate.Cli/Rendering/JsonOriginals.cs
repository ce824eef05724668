using System.Text.Json;
using QkvMigrate.Cli.Rendering.Documents;
using QkvMigrate.Running.Originals;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a proof from checksums found as the JSON document that <c>verify</c> prints.</summary>
internal static class JsonOriginals
{
    /// <summary>Writes one document with all reports.</summary>
    public static void Write(TextWriter writer, OriginalProof proof)
    {
        var document = new JsonVerificationRoot(JsonVerification.SchemaVersion, [.. proof.Reports.Select(Report)], null) { Unlisted = proof.Unlisted };
        writer.WriteLine(JsonSerializer.Serialize(document, JsonVerificationContext.Readable.JsonVerificationRoot));
    }

    private static JsonVerified Report(OriginalReport report) => new(
        report.Path,
        report.Path,
        report.Error is not null ? "refused" : report.IsVerified ? "verified" : "differs",
        report.Direction is { } direction ? JsonNames.Kebab(direction.ToString()) : null,
        null,
        report.Geometry is { } geometry ? new JsonVerifiedGeometry(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize) : null,
        new JsonCoverage(
            "full",
            report.TensorCount,
            report.MovedTensors,
            report.RenamedNames,
            0,
            0,
            0,
            0,
            0,
            0,
            report.HashedBytes,
            report.HashedBytes),
        report.IsVerified ? [new JsonProofLine("bytes", "all of the original's, by their SHA-256")] : [],
        [],
        report.Problem is null ? 0 : 1,
        report.Problem is { } problem ? [new JsonDifference("file", null, null, null, null, null, problem)] : [],
        Math.Round(report.Elapsed.TotalSeconds, 3),
        report.Error is { } error ? new JsonMessage(JsonNames.Kebab(error.Kind.ToString()), error.Message) : null)
    {
        Original = new JsonOriginal(report.ExpectedSha256, report.Sha256),
    };
}
