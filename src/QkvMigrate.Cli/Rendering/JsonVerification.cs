using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Cli.Rendering.Documents;
using QkvMigrate.Torch.Verification;
using QkvMigrate.Verification;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what a verification found as the JSON document that scripts rely on.</summary>
internal static class JsonVerification
{
    /// <summary>The version of the form.</summary>
    public const int SchemaVersion = 1;

    /// <summary>Writes one document with all reports.</summary>
    public static void Write(TextWriter writer, IEnumerable<VerificationReport> reports, ForwardCheckResult? models)
    {
        var forward = models is null
            ? null
            : new JsonForward(
                models.IsSame,
                models.MaximumDifference,
                models.Tolerance,
                models.Tokens,
                models.OriginalContinuation,
                models.UpgradedContinuation);
        var all = reports.ToList();
        var document = new JsonVerificationRoot(SchemaVersion, [.. all.Where(IsListed).Select(Report)], forward)
        {
            Tree = all.Find(report => report.IsOfTree) is { } tree
                ? new JsonTree(tree.Original, tree.Upgraded, Status(tree), [.. tree.Covered.Select(Line)], [.. tree.LeftOut.Select(Line)])
                : null,
        };
        writer.WriteLine(JsonSerializer.Serialize(document, JsonVerificationContext.Readable.JsonVerificationRoot));
    }

    private static JsonVerified Report(VerificationReport report) => new(
        report.Original,
        report.Upgraded,
        Status(report),
        report.Direction is { } direction ? JsonNames.Kebab(direction.ToString()) : null,
        report.Exported,
        report.Geometry is { } geometry ? new JsonVerifiedGeometry(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize) : null,
        new JsonCoverage(
            JsonNames.Kebab(report.Mode.ToString()),
            report.Coverage.Tensors,
            report.Coverage.MovedTensors,
            report.Coverage.RenamedNames,
            report.Coverage.ExpandedLayers,
            report.Coverage.MergedWeights,
            report.Coverage.Regions,
            report.Coverage.DroppedRecords,
            report.Coverage.Checksums,
            report.Coverage.StoredChecksums,
            report.Coverage.ComparedBytes,
            report.Coverage.TotalBytes),
        [.. report.Covered.Select(Line)],
        [.. report.LeftOut.Select(Line)],
        report.DifferenceCount,
        [.. report.Differences.Select(Difference)],
        Math.Round(report.Elapsed.TotalSeconds, 3),
        report.Error is { } error ? new JsonMessage(JsonNames.Kebab(error.Kind.ToString()), error.Message) : null);

    /// <summary>Whoever counts checkpoints finds a directory among them only where it differs, as ever.</summary>
    private static bool IsListed(VerificationReport report) => !report.IsOfTree || !report.IsVerified;

    private static string Status(VerificationReport report) => report.Error is not null ? "refused" : report.IsVerified ? "verified" : "differs";

    private static JsonProofLine Line(ProofLine line) => new(line.Subject, line.Statement);

    private static JsonDifference Difference(Difference difference) => new(
        difference.Place,
        difference.Row,
        difference.Section is { } section ? JsonNames.Kebab(section.ToString()) : null,
        difference.Head,
        difference.QueryGroup,
        difference.Offset,
        difference.Problem);
}

/// <summary>The document.</summary>
internal sealed record JsonVerificationRoot(int SchemaVersion, IReadOnlyList<JsonVerified> Checkpoints, JsonForward? Forward)
{
    /// <summary>What belongs to none of the checkpoints of two directories.</summary>
    public JsonTree? Tree { get; init; }

    /// <summary>Of a proof from checksums: files that had none.</summary>
    public IReadOnlyList<string>? Unlisted { get; init; }
}

/// <summary>Two directories as wholes. Their differences stand in an item of <c>checkpoints</c>.</summary>
internal sealed record JsonTree(string Path, string Output, string Status, IReadOnlyList<JsonProofLine> Covered, IReadOnlyList<JsonProofLine> LeftOut);

/// <summary>What the two models said to the same tokens.</summary>
internal sealed record JsonForward(
    bool IsSame,
    double MaximumDifference,
    double Tolerance,
    IReadOnlyList<int> Tokens,
    IReadOnlyList<int> OriginalContinuation,
    IReadOnlyList<int> UpgradedContinuation);

/// <summary>One checkpoint file, or a directory whose other files differ.</summary>
internal sealed record JsonVerified(
    string Path,
    string Output,
    string Status,
    string? Direction,
    string? Exported,
    JsonVerifiedGeometry? Geometry,
    JsonCoverage Coverage,
    IReadOnlyList<JsonProofLine> Covered,
    IReadOnlyList<JsonProofLine> LeftOut,
    long DifferenceCount,
    IReadOnlyList<JsonDifference> Differences,
    double Seconds,
    JsonMessage? Error)
{
    /// <summary>Of a proof from checksums: that of the original.</summary>
    public JsonOriginal? Original { get; init; }
}

/// <summary>The SHA-256 that the user gave of an original, and that of its bytes as they were made again.</summary>
internal sealed record JsonOriginal(string? Sha256, string? Made);

/// <summary>The geometry by which rows moved.</summary>
internal sealed record JsonVerifiedGeometry(int NHead, int NQueryGroups, int HeadSize);

/// <summary>What was compared.</summary>
internal sealed record JsonCoverage(
    string Mode,
    int Tensors,
    int MovedTensors,
    int RenamedNames,
    int ExpandedLayers,
    int MergedWeights,
    int Entries,
    int DroppedRecords,
    int Checksums,
    int StoredChecksums,
    long ComparedBytes,
    long TotalBytes);

/// <summary>What was compared, or not looked at, and how.</summary>
internal sealed record JsonProofLine(string Subject, string Statement);

/// <summary>One difference; the offset counts bytes of the second file.</summary>
internal sealed record JsonDifference(string Place, long? Row, string? Section, int? Head, int? QueryGroup, long? Offset, string Problem);

/// <summary>Serializers that are made when the program is built, so that no start pays for them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(JsonVerificationRoot))]
internal sealed partial class JsonVerificationContext : JsonSerializerContext
{
    /// <summary>Paths and quotes are written as they are: nobody embeds this document in HTML unescaped.</summary>
    public static JsonVerificationContext Readable =>
        readable ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static JsonVerificationContext? readable;
}
