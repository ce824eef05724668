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
        var files = Directory.Exists(path)
            ? Migrator.FindUnits(path).SelectMany(unit => unit.Checkpoints.Select(name => Path.Combine(unit.Root, name)))
            : [path];
        return [.. files.Select(file => Inspect(file, request))];
    }

    private static CheckpointReport Inspect(string path, MigrationRequest request)
    {
        using var planned = PlannedCheckpoint.Open(path, request);
        if (planned.Error is { } error)
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
