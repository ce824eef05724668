using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Geometry;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Trees;

namespace QkvMigrate.Running;

/// <summary>Reports what is in checkpoints, and what an upgrade would do.</summary>
public static class Inspector
{
    /// <summary>One report for each checkpoint file of <paramref name="path"/>, a file or a directory.</summary>
    /// <param name="path">The path.</param>
    /// <param name="geometry">What the user says about the geometry.</param>
    /// <param name="selection">Which checkpoints of a directory or tree are looked at.</param>
    /// <param name="withEvidence">Whether the weights are read and asked for their geometry.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">The path is not there, or has no checkpoint.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static IReadOnlyList<CheckpointReport> Run(
        string path,
        GeometryFlags geometry,
        CheckpointSelection selection,
        bool withEvidence,
        CancellationToken cancellation = default)
    {
        InPlacePair.CheckName(path);
        var request = MigrationRequest.ToInspect(path, geometry);
        if (!Directory.Exists(path))
        {
            return [Inspect(path, [], null, request, withEvidence, cancellation)];
        }

        var tree = CheckpointTree.Find(path, selection, cancellation);
        return
        [
            .. tree.Units.SelectMany(unit => Inspect(unit, request, withEvidence, cancellation)),
            .. tree.Unreadable.Select(folder => CheckpointReport.Of(folder.Path, folder.Error)),
        ];
    }

    private static IEnumerable<CheckpointReport> Inspect(
        CheckpointUnit unit,
        MigrationRequest request,
        bool withEvidence,
        CancellationToken cancellation)
    {
        var shards = ShardSet.Open(unit.Root, out var unfit);
        for (var i = 0; i < unit.Checkpoints.Count; i++)
        {
            var name = unit.Checkpoints[i];
            yield return Inspect(Path.Combine(unit.Root, name), shards.Beside(name), i == 0 ? unfit : null, request, withEvidence, cancellation);
        }
    }

    private static CheckpointReport Inspect(
        string path,
        IReadOnlyList<TensorEntry> otherShards,
        MigrationException? unfit,
        MigrationRequest request,
        bool withEvidence,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var stage = new CheckpointPlanning(request).Plan(new NamedCheckpoint(path, otherShards));
        var report = Inspect(stage, unfit, request);
        report = stage.Find<OpenedCheckpoint>() is { } opened ? report with { DTypes = DTypeShare.Of(opened.Checkpoint.Tensors) } : report;
        return withEvidence && stage.Find<ScannedCheckpoint>() is { } scanned ? WithEvidence(report, scanned, cancellation) : report;
    }

    private static CheckpointReport Inspect(CheckpointStage stage, MigrationException? unfit, MigrationRequest request) => stage switch
    {
        PlannedCheckpoint planned when unfit is not null => planned.Refused(unfit).Report(),
        PlannedCheckpoint { Plan: { HasWork: false, Layout.Projection: not null } } planned => WithGeometry(planned.Report(), planned.Scanned, request),
        _ => stage.Report(),
    };

    /// <summary>Every row of every layer is read. What is wrong with the file's names is in the report already.</summary>
    private static CheckpointReport WithEvidence(CheckpointReport report, ScannedCheckpoint scanned, CancellationToken cancellation)
    {
        try
        {
            return report with { Evidence = GeometryEvidence.Measure(scanned.Scan, EvidenceSample.All, report.Geometry, cancellation) };
        }
        catch (MigrationException error)
        {
            return report with { Error = report.Error ?? error.InFile(report.Path) };
        }
    }

    /// <summary>A checkpoint that is left alone needs no geometry. Where one is found, it is shown.</summary>
    private static CheckpointReport WithGeometry(CheckpointReport report, ScannedCheckpoint scanned, MigrationRequest request)
    {
        try
        {
            var resolved = scanned.Resolve(request.Geometry);
            return report with { Geometry = resolved.Geometry, GeometrySource = resolved.Source };
        }
        catch (MigrationException error)
        {
            return report with { Advice = [.. report.Advice, new Advice("geometry-unknown", error.Problem)] };
        }
    }
}
