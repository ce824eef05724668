using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Verification;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>Brings a planned checkpoint to the disk.</summary>
internal static class CheckpointWriting
{
    /// <summary>The status of a checkpoint that was written.</summary>
    public static CheckpointStatus StatusAfter(Conversion conversion) => conversion.IsUpgrade ? CheckpointStatus.Upgraded : CheckpointStatus.Downgraded;

    /// <summary>
    /// Refuses an output that exists, that is the source or another file that the user named, by whatever path, or a backup
    /// that exists, before anything is written.
    /// </summary>
    public static void CheckTarget(string source, string output, MigrationRequest request)
    {
        if (!request.DryRun)
        {
            TargetLock.SweepLeftovers(request.InPlace ? FinalTarget(output) : output);
        }

        if (request.InPlace)
        {
            CheckReplaced(output, request);
            return;
        }

        CheckLength(output);
        if (FileIdentity.OfLink(output) is not null)
        {
            var place = FilePlace.Of(output).Id;
            if (place == FilePlace.Of(source).Id)
            {
                throw new MigrationException(FailureKind.Target, "the output is the source; --in-place replaces it", output);
            }

            if (request.Geometry.ConfigPath is { } configuration && place == FilePlace.Of(configuration).Id)
            {
                throw new MigrationException(FailureKind.Target, "the output is the file that --config names", output);
            }

            if (!request.Force && !IsEmptyFolder(output))
            {
                throw ExistingOutput.Refused(output);
            }
        }
    }

    /// <summary>Refuses to replace the base of a LoRA by its merge.</summary>
    /// <param name="planned">The checkpoint.</param>
    /// <param name="output">The file that will be written.</param>
    public static void CheckBaseStays(PlannedCheckpoint planned, string output)
    {
        if (planned.Opened.Named.Adapter is not null && FilePlace.Of(output).Id == FilePlace.Of(planned.WorkedOn).Id)
        {
            throw new MigrationException(FailureKind.Target, "the output is the base of the LoRA", output);
        }
    }

    private static void CheckReplaced(string path, MigrationRequest request)
    {
        var replaced = FinalTarget(path);
        if (ContentStore.Keeps(path, replaced))
        {
            throw new MigrationException(
                FailureKind.Target,
                $"this leads to {replaced}, which is named by the digest of its content and shared by all that link to it; write a new file with --output",
                path);
        }

        // One that is the old file itself was left by a run that was killed before it replaced that.
        if (Backup(replaced, request) is { } backup)
        {
            CheckLength(backup);
            if (FileIdentity.OfLink(backup) is not null && !FileIdentity.AreSame(replaced, backup))
            {
                throw new MigrationException(FailureKind.Target, "the backup exists already; it is never replaced", backup);
            }
        }
    }

    /// <summary>The system tells of a name that is too long when all is written.</summary>
    private static void CheckLength(string path)
    {
        if (Encoding.UTF8.GetByteCount(Path.GetFileName(path)) is var bytes && bytes > TemporaryName.MaximumBytes)
        {
            throw new MigrationException(
                FailureKind.Target,
                $"a name of {bytes} bytes is longer than the {TemporaryName.MaximumBytes} that a filesystem takes",
                path);
        }
    }

    private static bool IsEmptyFolder(string path) => Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any();

    /// <summary>Writes a new file.</summary>
    /// <param name="planned">The checkpoint.</param>
    /// <param name="rewrite">The new file, as the checkpoint's plan has it.</param>
    /// <param name="output">Where it comes to stand.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">It cannot be written, did not pass its verification, or the source changed meanwhile.</exception>
    public static WrittenCheckpoint Write(
        PlannedCheckpoint planned,
        PlannedRewrite rewrite,
        string output,
        MigrationRequest request,
        CancellationToken cancellation)
    {
        var source = planned.Opened.Checkpoint.Source;
        var path = request.InPlace ? FinalTarget(output) : output;
        try
        {
            using var file = DurableFile.Create(path, request.InPlace || request.Force);
            using var progress = request.Progress?.Begin(planned.Path, rewrite.Output.Length);
            UnchangedSources.During(rewrite.Output, () =>
            {
                FilePlanWriter.Write(rewrite.Output, file.Handle, request.Engine, progress is null ? null : progress.Advance, cancellation);
                file.StartSync(File.GetUnixFileMode(source.Handle));
                progress?.Enter(WriteStage.Verifying);
                Verify(planned, rewrite, file.TemporaryPath, path, request, cancellation);
                progress?.Enter(WriteStage.Syncing);
                file.WaitForSync();
            });
            Commit(file, path, request);
            return new WrittenCheckpoint(planned, output);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.Of(error, path);
        }
    }

    /// <summary>Has the new file proven before it gets its name.</summary>
    private static void Verify(
        PlannedCheckpoint planned,
        PlannedRewrite rewrite,
        string written,
        string path,
        MigrationRequest request,
        CancellationToken cancellation)
    {
        if (request.Verification is not { } mode || !planned.IsProvable)
        {
            return;
        }

        var opened = planned.Opened;
        using var begun = CheckpointVerifier.Begin(opened.Checkpoint, written, opened.Named.OtherShards, mode, opened.DropsUnreferenced);
        var report = begun.Run(rewrite.Geometry.Geometry, cancellation);
        if (!report.IsVerified)
        {
            throw new MigrationException(
                FailureKind.Verification,
                "the new file did not pass its verification and was thrown away; "
                + $"{report.DifferenceCount} differences, the first: {report.Differences[0]}",
                path);
        }
    }

    /// <summary>The failure of a target whose writing was cancelled.</summary>
    public static MigrationException Cancelled(string output, OperationCanceledException error) =>
        new(FailureKind.Cancelled, "cancelled; what was begun was taken away", output, inner: error);

    /// <summary>Where the old file is kept when <paramref name="path"/> is replaced, or null.</summary>
    public static string? Backup(string path, MigrationRequest request) =>
        request is { InPlace: true, BackupSuffix: { } suffix } ? path + suffix : null;

    /// <summary>
    /// Gives a file that is written its name, and the one that it replaces that of its backup, where one is asked for; before,
    /// that is written down.
    /// </summary>
    public static void Commit(DurableFile file, string path, MigrationRequest request)
    {
        var backup = File.Exists(path) ? Backup(path, request) : null;
        if (backup is null)
        {
            file.Commit();
            return;
        }

        Announce(path, backup);
        try
        {
            file.Commit(backup: backup);
        }
        catch (MigrationException)
        {
            BackupAccount.Remove(backup);
            throw;
        }
    }

    /// <summary>Writes down that <paramref name="backup"/> will be the backup of <paramref name="path"/>.</summary>
    public static void Announce(string path, string backup)
    {
        try
        {
            BackupAccount.Add(path, backup);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Io)
        {
            throw new MigrationException(error.Kind, error.Problem, path, inner: error);
        }
    }

    /// <summary>A link is followed to its end, so that the file is replaced and the link stays.</summary>
    public static string FinalTarget(string path) =>
        File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
}
