using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Evidence;
using QkvMigrate.Planning;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes reports as the JSON document that scripts rely on.</summary>
internal static class JsonReport
{
    private const int SchemaVersion = 1;

    /// <summary>Writes one document with all reports.</summary>
    public static void Write(TextWriter writer, IEnumerable<CheckpointReport> reports, bool withPlan, bool withGlobals = false)
    {
        var document = new JsonDocumentRoot(SchemaVersion, [.. reports.Select(report => Checkpoint(report, withPlan, withGlobals))]);
        writer.WriteLine(JsonSerializer.Serialize(document, JsonReportContext.Readable.JsonDocumentRoot));
    }

    private static JsonCheckpoint Checkpoint(CheckpointReport report, bool withPlan, bool withGlobals)
    {
        var changes = report.Changes;
        return new JsonCheckpoint(
            report.Path,
            report.Output,
            report.Format is { } format ? JsonNames.Kebab(format.ToString()) : null,
            JsonNames.Kebab(report.Status.ToString()),
            report.Layout is { } layout ? layout.Name : null,
            report.Geometry is { } geometry ? new JsonGeometry(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize, report.GeometrySource ?? "") : null,
            new JsonTensors(report.TensorCount, changes?.ReorderedTensors ?? 0, changes?.ChangedTensors ?? 0, changes?.UntouchedTensors ?? report.TensorCount),
            new JsonBytes(report.SourceBytes, report.OutputBytes ?? changes?.OutputBytes, changes?.ReorderedBytes ?? 0, changes?.CopiedBytes ?? 0),
            report.OutputSha256,
            Math.Round(report.Elapsed.TotalSeconds, 3),
            report.ConfigurationChanges,
            [.. report.Advice.Select(advice => new JsonMessage(advice.Code, advice.Message))],
            withGlobals ? new JsonRecords(report.Unreferenced.Count, report.Unreferenced.Bytes) : null,
            withGlobals ? [.. report.Globals.DistinctBy(use => (use.Name, use.Where)).Select(use => new JsonGlobal(use.Name, JsonNames.Kebab(use.Safety.ToString()), use.Where, use.Offset, use.Why))] : null,
            report.Evidence is { } evidence ? Evidence(evidence) : null,
            withPlan && report.Plan is { Rewrite: { } rewrite } plan ? Plan(plan, rewrite) : null,
            report.Export is { } export ? new JsonExport(export.Family, export.DType, [.. export.Files.Select(file => new JsonExportedFile(file.Name, file.Bytes, file.Tensors))], export.Companions) : null,
            report.Error is { } error ? new JsonMessage(JsonNames.Kebab(error.Kind.ToString()), error.Message) : null);
    }

    private static JsonEvidence Evidence(GeometryEvidence evidence) => new(
        evidence.LayerCount,
        evidence.Winner is not null,
        [.. evidence.Ranking.Select(score => new JsonScore(score.Layout.Name, score.Geometry?.HeadCount, score.Geometry?.QueryGroupCount, score.Geometry?.HeadSize, Math.Round(score.Explained, 4)))]);

    private static JsonPlan Plan(MigrationPlan plan, PlannedRewrite rewrite) => new(
        [.. plan.Moves.Select(move => new JsonMove(
            move.Tensor.Label,
            move.NewName ?? move.Tensor.Name?.Text ?? move.Tensor.Label,
            move.Tensor.DType.Name,
            move.Tensor.Shape,
            move.Tensor.Strides,
            move.NewShape,
            move.Dimension,
            [.. move.Blocks.Select(block => new[] { block.Storage.Offset + block.Offset, block.Length })]))],
        [.. plan.NameChanges.Select(change => new JsonRename(change.Name.Text, change.NewName))],
        [.. rewrite.Permutation.Runs.Select(run => new[] { run.Start, run.Length })]);
}

/// <summary>The document.</summary>
internal sealed record JsonDocumentRoot(int SchemaVersion, IReadOnlyList<JsonCheckpoint> Checkpoints);

/// <summary>One checkpoint file.</summary>
internal sealed record JsonCheckpoint(
    string Path,
    string? Output,
    string? Format,
    string Status,
    string? Layout,
    JsonGeometry? Geometry,
    JsonTensors Tensors,
    JsonBytes Bytes,
    string? Sha256,
    double Seconds,
    IReadOnlyList<string> Configuration,
    IReadOnlyList<JsonMessage> Advice,
    JsonRecords? Unreferenced,
    IReadOnlyList<JsonGlobal>? Globals,
    JsonEvidence? Evidence,
    JsonPlan? Plan,
    JsonExport? Export,
    JsonMessage? Error);

/// <summary>The geometry and where it came from.</summary>
internal sealed record JsonGeometry(int NHead, int NQueryGroups, int HeadSize, string Source);

/// <summary>How many tensors there are, how many of them have rows that move, and how many get another name.</summary>
internal sealed record JsonTensors(int Total, int Reordered, int Renamed, int Untouched);

/// <summary>Bytes of the source and the output, and of what is reordered and copied.</summary>
internal sealed record JsonBytes(long Source, long? Output, long Reordered, long Copied);

/// <summary>Storages that nothing in the file names, and their bytes.</summary>
internal sealed record JsonRecords(int Records, long Bytes);

/// <summary>A code and a sentence.</summary>
internal sealed record JsonMessage(string Code, string Message);

/// <summary>What the weights say about the geometry; the best is first, and wins or does not.</summary>
internal sealed record JsonEvidence(int Layers, bool HasWinner, IReadOnlyList<JsonScore> Ranking);

/// <summary>The share of the variance of the log row norms that q, k and v explain in one order; the sequential one has no geometry.</summary>
internal sealed record JsonScore(string Layout, int? NHead, int? NQueryGroups, int? HeadSize, double Explained);

/// <summary>A global that a pickle names, with its first place.</summary>
internal sealed record JsonGlobal(string Name, string Safety, string Where, long Offset, string? Why);

/// <summary>What happens to which tensor; runs are [first source row, rows] in the order of the destination.</summary>
internal sealed record JsonPlan(IReadOnlyList<JsonMove> Moves, IReadOnlyList<JsonRename> Names, IReadOnlyList<int[]> Runs);

/// <summary>One tensor; byte ranges are [offset in the source, length].</summary>
internal sealed record JsonMove(string From, string To, string Dtype, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides, IReadOnlyList<long>? NewShape, int? Dimension, IReadOnlyList<long[]> ByteRanges);

/// <summary>What an export writes: a model of a family, its files of weights, and the names of the others.</summary>
internal sealed record JsonExport(string Family, string Dtype, IReadOnlyList<JsonExportedFile> Files, IReadOnlyList<string> Companions);

/// <summary>A file of weights.</summary>
internal sealed record JsonExportedFile(string Name, long Bytes, int Tensors);

/// <summary>A name that changes.</summary>
internal sealed record JsonRename(string From, string To);

/// <summary>Serializers that are made when the program is built, so that no start pays for them.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(JsonDocumentRoot))]
internal sealed partial class JsonReportContext : JsonSerializerContext
{
    /// <summary>Paths and quotes are written as they are: nobody embeds this document in HTML unescaped.</summary>
    public static JsonReportContext Readable => readable ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static JsonReportContext? readable;
}
