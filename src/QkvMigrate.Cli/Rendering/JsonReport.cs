using System.Text.Json;
using QkvMigrate.Cli.Rendering.Documents;
using QkvMigrate.Evidence;
using QkvMigrate.Pickling.Policy;
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
            report.Geometry is { } geometry
                ? new JsonGeometry(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize, report.GeometrySource ?? "")
                : null,
            new JsonTensors(report.TensorCount, changes?.ReorderedTensors ?? 0, changes?.ChangedTensors ?? 0, changes?.UntouchedTensors ?? report.TensorCount),
            new JsonBytes(report.SourceBytes, report.OutputBytes ?? changes?.OutputBytes, changes?.ReorderedBytes ?? 0, changes?.CopiedBytes ?? 0),
            report.OutputSha256,
            report.SourceSha256,
            Math.Round(report.Elapsed.TotalSeconds, 3),
            report.ConfigurationChanges,
            [.. report.Advice.Select(advice => new JsonMessage(advice.Code, advice.Message))],
            withGlobals ? new JsonRecords(report.Unreferenced.Count, report.Unreferenced.Bytes) : null,
            withGlobals
                ? [.. report.Globals.DistinctBy(use => (use.Name, use.Where)).Select(Global)]
                : null,
            report.Evidence is { } evidence ? Evidence(evidence) : null,
            withPlan && report.Plan is { Rewrite: { } rewrite } plan ? Plan(plan, rewrite) : null,
            report.Export is { } export
                ? new JsonExport(
                    export.Family,
                    export.DType,
                    [.. export.Files.Select(file => new JsonExportedFile(file.Name, file.Bytes, file.Tensors))],
                    export.Companions)
                : null,
            report.Error is { } error ? new JsonMessage(JsonNames.Kebab(error.Kind.ToString()), error.Message) : null);
    }

    private static JsonGlobal Global(GlobalUse use) =>
        new(use.Name, JsonNames.Kebab(use.Safety.ToString()), use.Where, use.Offset, use.Why);

    private static JsonEvidence Evidence(GeometryEvidence evidence) => new(
        evidence.LayerCount,
        evidence.Winner is not null,
        [
            .. evidence.Ranking.Select(score => new JsonScore(
                score.Layout.Name,
                score.Geometry?.HeadCount,
                score.Geometry?.QueryGroupCount,
                score.Geometry?.HeadSize,
                Math.Round(score.Explained, 4))),
        ]);

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
