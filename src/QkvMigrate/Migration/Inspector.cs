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
        return planned.Error is { } error
            ? planned.Report(error)
            : planned.Report(planned.Plan!.IsNeeded ? CheckpointStatus.Planned : CheckpointStatus.Unchanged);
    }
}
