using QkvMigrate.Planning.Lora;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

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

        var output = OutputOf(request);
        try
        {
            request.ShardOwners.CheckAlone(request.Path);
            if (Directory.Exists(output))
            {
                throw new MigrationException(FailureKind.Target, "the output is a directory, but the source is a file", output);
            }

            if (Path.EndsInDirectorySeparator(output))
            {
                throw new MigrationException(FailureKind.Target, "there is no such directory", output);
            }

            CheckpointWriting.CheckTarget(request.Path, output, request);
            CheckpointWriting.CheckBaseStays(planned, output);
            if (!request.DryRun)
            {
                CheckpointWriting.Write(planned, output, request, cancellation);
            }

            return planned.Report(request.DryRun ? CheckpointStatus.Planned : CheckpointWriting.Done(request.Conversion), output);
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

    /// <summary>The file that is written, as <c>cp</c> takes it: where the output is a directory, the name in it is the source's.</summary>
    public static string OutputOf(MigrationRequest request) =>
        request.InPlace ? request.Path
        : request.Output is not { } output ? BesideSource(request)
        : Directory.Exists(output) ? Path.Combine(output, request.ResultName(request.Path))
        : output;

    /// <summary><c>lit_model.pth</c> becomes <c>lit_model-qkv.pth</c>; merged, <c>lit_model.pth.lora</c> becomes <c>lit_model-merged.pth</c>.</summary>
    private static string BesideSource(MigrationRequest request)
    {
        var name = Path.GetFileName(request.Path);
        name = request.IsMerge && name.EndsWith(LoraAdapter.Suffix, StringComparison.Ordinal) ? name[..^LoraAdapter.Suffix.Length] : name;
        return Path.Combine(Path.GetDirectoryName(request.Path) ?? "", $"{Path.GetFileNameWithoutExtension(name)}{request.Suffix}{Path.GetExtension(name)}");
    }
}
