using QkvMigrate.Writing;

namespace QkvMigrate.Migration;

/// <summary>Does what a user asks with one path: a checkpoint file, or a directory with checkpoints in or below it.</summary>
public static class Migrator
{
    /// <summary>What is put behind a source's name where no output is named.</summary>
    public const string OutputSuffix = "-qkv";

    /// <summary>
    /// Carries out <paramref name="request"/>: one report for each checkpoint file. What is wrong with a checkpoint is
    /// in its report; one bad directory does not keep the next from its turn. Cancelled, it takes away what it has begun,
    /// says so in a report, and begins nothing more.
    /// </summary>
    /// <exception cref="MigrationException">The path as a whole is of no use: not there, or without checkpoints.</exception>
    public static IReadOnlyList<CheckpointReport> Run(MigrationRequest request, CancellationToken cancellation)
    {
        if (!Directory.Exists(request.Path))
        {
            return [MigrateFile(request, cancellation)];
        }

        var units = FindUnits(request.Path);
        var root = request.Output ?? $"{Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Path))}{OutputSuffix}";
        if (!request.InPlace && IsWithin(root, request.Path))
        {
            throw new MigrationException(FailureKind.Target, "the output lies within the source", root);
        }

        var reports = new List<CheckpointReport>();
        foreach (var unit in units.TakeWhile(_ => !cancellation.IsCancellationRequested))
        {
            var output = request.InPlace ? unit.Root : Path.TrimEndingDirectorySeparator(Path.Combine(root, unit.RelativePath));
            reports.AddRange(DirectoryMigration.Run(unit, output, request, cancellation));
        }

        return reports;
    }

    internal static IReadOnlyList<CheckpointUnit> FindUnits(string path)
    {
        try
        {
            var units = CheckpointUnit.Find(path);
            return units.Count > 0
                ? units
                : throw new MigrationException(FailureKind.Malformed, "no checkpoint in this directory or below it", path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, path, inner: error);
        }
    }

    private static CheckpointReport MigrateFile(MigrationRequest request, CancellationToken cancellation)
    {
        using var planned = PlannedCheckpoint.Open(request.Path, [], request);
        if (planned.Error is { } error)
        {
            return planned.Report(error);
        }

        if (!planned.Plan!.IsNeeded)
        {
            if (request is { InPlace: true, DryRun: false })
            {
                TargetLock.SweepLeftovers(CheckpointWriting.FinalTarget(request.Path));
            }

            return planned.Report(CheckpointStatus.Unchanged);
        }

        var output = request.InPlace ? request.Path : request.Output ?? BesideSource(request.Path);
        try
        {
            ShardSet.CheckAlone(request.Path);
            if (Directory.Exists(output))
            {
                throw new MigrationException(FailureKind.Target, "the output is a directory, but the source is a file", output);
            }

            CheckpointWriting.CheckTarget(request.Path, output, request);
            if (!request.DryRun)
            {
                CheckpointWriting.Write(planned, output, request, cancellation);
            }

            return planned.Report(request.DryRun ? CheckpointStatus.Planned : CheckpointWriting.Done(request.Direction), output);
        }
        catch (MigrationException failure)
        {
            return planned.Report(failure);
        }
        catch (OperationCanceledException cancelled)
        {
            return planned.Report(Cancelled(output, cancelled));
        }
    }

    /// <summary>The failure of a target whose writing was cancelled.</summary>
    internal static MigrationException Cancelled(string output, OperationCanceledException error) =>
        new(FailureKind.Cancelled, "cancelled; what was begun was taken away", output, inner: error);

    /// <summary><c>lit_model.pth</c> becomes <c>lit_model-qkv.pth</c>.</summary>
    private static string BesideSource(string path) =>
        Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}{OutputSuffix}{Path.GetExtension(path)}");

    private static bool IsWithin(string path, string root)
    {
        var relative = Path.GetRelativePath(Path.GetFullPath(root), Path.GetFullPath(path));
        return relative == "." || !(relative == ".." || relative.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal) || Path.IsPathRooted(relative));
    }
}
