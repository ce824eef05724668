using QkvMigrate.Writing;

namespace QkvMigrate.Migration;

/// <summary>Migrates one checkpoint file that a user named by itself: its neighbours are left alone.</summary>
internal static class FileMigration
{
    /// <summary>Does it. What is wrong with the file is in the report.</summary>
    public static CheckpointReport Run(MigrationRequest request, CancellationToken cancellation)
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
            return planned.Report(CheckpointWriting.Cancelled(output, cancelled));
        }
    }

    /// <summary><c>lit_model.pth</c> becomes <c>lit_model-qkv.pth</c>.</summary>
    private static string BesideSource(string path) =>
        Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}{Migrator.OutputSuffix}{Path.GetExtension(path)}");
}
