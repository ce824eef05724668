using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;

namespace QkvMigrate.Migration;

/// <summary>Looks at checkpoints: what an upgrade would find and do.</summary>
public static class Inspector
{
    /// <summary>One report for each checkpoint file of <paramref name="path"/>, a file or a directory.</summary>
    /// <exception cref="MigrationException">The path is not there, or has no checkpoint.</exception>
    public static IReadOnlyList<CheckpointReport> Run(string path, GeometryFlags geometry)
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
        return Directory.Exists(path)
            ? [.. Migrator.FindUnits(path).SelectMany(unit => Inspect(unit, request))]
            : [Inspect(path, [], null, request)];
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
