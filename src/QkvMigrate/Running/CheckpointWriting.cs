using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Optimizers;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Verification;
using QkvMigrate.Verification.Merging;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>Brings a planned checkpoint to the disk: written, proven, named.</summary>
internal static class CheckpointWriting
{
    /// <summary>Writes a new file.</summary>
    /// <param name="planned">The checkpoint.</param>
    /// <param name="rewrite">The new file, as the checkpoint's plan has it.</param>
    /// <param name="output">Where it comes to stand.</param>
    /// <param name="folder">The new folder in which that is, or null.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">It cannot be written, did not pass its verification, or the source changed meanwhile.</exception>
    public static WrittenCheckpoint Write(
        PlannedCheckpoint planned,
        PlannedRewrite rewrite,
        string output,
        DurableFolder? folder,
        MigrationRequest request,
        CancellationToken cancellation)
    {
        if (request.Journal)
        {
            return InPlaceWriting.Write(planned, rewrite, output, request, cancellation);
        }

        var source = planned.Opened.Checkpoint.Source;
        var path = request.InPlace ? ReplacedFile.FinalTarget(output) : output;
        try
        {
            using var file = folder?.CreateFile(path) ?? DurableFile.Create(path, request.InPlace || request.Force);
            using var progress = request.Progress?.Begin(planned.Path, rewrite.Output.Length);
            WrittenDigests? digests = null;
            UnchangedSources.During(rewrite.Output.Sources, () =>
            {
                using var before = StartDigest(planned.Path, request, cancellation);
                FilePlanWriter.Write(rewrite.Output, file.Handle, request.Engine, progress is null ? null : progress.Advance, cancellation);
                file.StartSync(HostSystem.Current.ModeOf(source.Handle));
                progress?.Enter(WriteStage.Verifying);
                using var after = StartDigest(file.TemporaryPath, request, cancellation);
                Verify(planned, rewrite, file.TemporaryPath, path, request, cancellation);
                progress?.Enter(WriteStage.Syncing);
                file.WaitForSync();
                digests = before is null || after is null ? null : new WrittenDigests(before.Wait(), after.Wait());
            });

            // The sync can outlast the verification by far. Who interrupts it is told so, and gets no file.
            cancellation.ThrowIfCancellationRequested();
            if (request.InPlace)
            {
                Close(planned.Opened.Checkpoint);
            }

            ReplacedFile.Commit(file, path, request);
            return new WrittenCheckpoint(planned, output, digests);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.Of(error, path);
        }
    }

    /// <summary>Where the verification reads every byte, they are hashed too.</summary>
    private static DigestBeside? StartDigest(string path, MigrationRequest request, CancellationToken cancellation) =>
        request.Verification == VerificationMode.Full ? DigestBeside.Start(path, cancellation) : null;

    /// <summary>Closes a file that is about to be replaced: not every filesystem of Windows replaces one that is open. What a report says of it is read first.</summary>
    private static void Close(Checkpoint checkpoint)
    {
        _ = checkpoint.Globals;
        checkpoint.Source.Dispose();
    }

    /// <summary>Proves the new file, which has no name yet.</summary>
    private static void Verify(
        PlannedCheckpoint planned,
        PlannedRewrite rewrite,
        string written,
        string path,
        MigrationRequest request,
        CancellationToken cancellation)
    {
        if (request.Verification is not { } mode)
        {
            return;
        }

        var opened = planned.Opened;
        var options = new VerificationOptions
        {
            Direction = request.Direction,
            Mode = mode,
            IsWithoutUnreferenced = opened.DropsUnreferenced,
            IsWithoutOptimizer = opened.DroppedOptimizers.Count > 0,
            IsOptimizerInModelOrder = request.OptimizerOrder == OptimizerOrder.Model,
        };

        // What is left out of the open file has to be in the one that the new file is held against.
        using var whole = options.IsWithoutOptimizer && !request.IsMerge ? Checkpoint.Open(planned.Path) : null;
        using var begun = request.IsMerge
            ? MergeVerification.Begin(planned.Path, written, request.MergeOptions, options)
            : CheckpointVerifier.Begin(whole ?? opened.Checkpoint, written, opened.Named.OtherShards, options);
        Require(begun.Run(rewrite.Geometry.Geometry, cancellation), "the new file", path);
    }

    /// <summary>Refuses a result whose verification found differences; <paramref name="what"/> names it in the line.</summary>
    /// <exception cref="MigrationException">It found some.</exception>
    public static void Require(VerificationReport report, string what, string path)
    {
        if (!report.IsVerified)
        {
            throw new MigrationException(
                FailureKind.Verification,
                $"{what} did not pass its verification and was thrown away; "
                + $"{report.DifferenceCount} differences, the first: {report.Differences[0]}",
                path);
        }
    }

    /// <summary>The failure of a target whose writing was cancelled.</summary>
    public static MigrationException Cancelled(string output, OperationCanceledException error) =>
        new(FailureKind.Cancelled, "cancelled; what was begun was taken away", output, inner: error);
}
