using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;
using QkvMigrate.Migration.Batches;

namespace QkvMigrate.Migration;

/// <summary>Looks at checkpoints: what an upgrade would find and do.</summary>
public static class Inspector
{
    /// <summary>One report for each checkpoint file of <paramref name="path"/>, a file or a directory.</summary>
    /// <param name="path">The path.</param>
    /// <param name="geometry">What the user says about the geometry.</param>
    /// <param name="selection">Which checkpoints of a directory or tree are looked at.</param>
    /// <exception cref="MigrationException">The path is not there, or has no checkpoint.</exception>
    public static IReadOnlyList<CheckpointReport> Run(string path, GeometryFlags geometry, CheckpointSelection selection)
    {
        var request = new MigrationRequest
        {
            Path = path,
            Direction = MigrationDirection.Upgrade,
            Geometry = geometry,
            DryRun = true,
            AllowUnsafePickle = true,
            Engine = () => throw new InvalidOperationException("inspecting reorders nothing"),
        };
        if (!Directory.Exists(path))
        {
            return [Inspect(path, [], null, request)];
        }

        var tree = CheckpointTree.Find(path, selection);
        return
        [
            .. tree.Units.SelectMany(unit => Inspect(unit, request)),
            .. tree.Unreadable.Select(error => CheckpointReport.Of(error.File!, error)),
        ];
    }

    private static IEnumerable<CheckpointReport> Inspect(CheckpointUnit unit, MigrationRequest request)
    {
        var shards = ShardSet.Open(unit.Root, out var unfit);
        return unit.Checkpoints.Select((name, i) => Inspect(Path.Combine(unit.Root, name), shards.Beside(name), i == 0 ? unfit : null, request));
    }

    private static CheckpointReport Inspect(string path, IReadOnlyList<TensorEntry> otherShards, MigrationException? unfit, MigrationRequest request)
    {
        using var planned = PlannedCheckpoint.Open(path, otherShards, request);
        if ((planned.Error ?? unfit) is { } error)
        {
            return planned.Report(error);
        }

        if (planned.Plan!.IsNeeded)
        {
            return planned.Report(CheckpointStatus.Planned);
        }

        var report = planned.Report(CheckpointStatus.Unchanged);
        return planned.Plan.Layout == CheckpointLayout.Sequential ? WithGeometry(report, planned, request) : report;
    }

    /// <summary>A sequential checkpoint needs no geometry to be left alone; where one is found it is shown.</summary>
    private static CheckpointReport WithGeometry(CheckpointReport report, PlannedCheckpoint planned, MigrationRequest request)
    {
        try
        {
            var resolved = planned.ResolveGeometry(request, AttentionScan.Of(planned.Checkpoint!).Shapes());
            return report with { Geometry = resolved.Geometry, GeometrySource = resolved.Source };
        }
        catch (MigrationException error)
        {
            return report with { Advice = [.. report.Advice, new Advice("geometry-unknown", error.Problem)] };
        }
    }
}
