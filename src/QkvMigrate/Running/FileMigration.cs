using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>Migrates one checkpoint file that a user named by itself: its neighbours are left alone.</summary>
internal static class FileMigration
{
    /// <summary>Migrates the file. What is wrong with it is in the report.</summary>
    public static CheckpointReport Run(MigrationRequest request, CancellationToken cancellation)
    {
        using var stage = new CheckpointPlanning(request).Plan(request.Path, []);
        return stage switch
        {
            PlannedCheckpoint { Plan.Rewrite: { } rewrite } planned => Rewrite(planned, rewrite, request, cancellation),
            PlannedCheckpoint planned => LeaveAsItIs(planned, request),
            _ => stage.Report(),
        };
    }

    private static CheckpointReport LeaveAsItIs(PlannedCheckpoint planned, MigrationRequest request)
    {
        if (request is { InPlace: true, DryRun: false })
        {
            TargetLock.SweepLeftovers(ReplacedFile.FinalTarget(request.Path));
        }

        return planned.Report();
    }

    private static CheckpointReport Rewrite(PlannedCheckpoint planned, PlannedRewrite rewrite, MigrationRequest request, CancellationToken cancellation)
    {
        var output = OutputOf(request);
        try
        {
            request.ShardOwners.CheckAlone(request.Path);
            CheckKind(output);
            CheckpointTarget.Check(request.Path, output, request);
            CheckpointTarget.CheckBaseStays(planned, output);
            if (request.Journal)
            {
                InPlaceWriting.Check(planned);
            }

            return request.DryRun
                ? planned.Report() with { Output = output }
                : CheckpointWriting.Write(planned, rewrite, output, folder: null, request, cancellation).Report();
        }
        catch (MigrationException failure)
        {
            return planned.Refused(failure).Report();
        }
        catch (OperationCanceledException cancelled)
        {
            return planned.Refused(CheckpointWriting.Cancelled(output, cancelled)).Report();
        }
    }

    /// <summary>Refuses an output that is a directory, or is to be one.</summary>
    private static void CheckKind(string output)
    {
        if (Directory.Exists(output))
        {
            throw new MigrationException(FailureKind.Target, "the output is a directory, but the source is a file", output);
        }

        if (Path.GetFileName(output) is "" or "." or "..")
        {
            throw new MigrationException(FailureKind.Target, "there is no such directory", output);
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
