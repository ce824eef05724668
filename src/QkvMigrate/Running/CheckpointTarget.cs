using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Folders;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>Holds what stands where a checkpoint's result is to be against what may stand there.</summary>
internal static class CheckpointTarget
{
    /// <summary>
    /// Refuses, before anything is written: an output that exists; an output that is the source, or another file that the user
    /// named, by whatever path; a backup that exists.
    /// </summary>
    public static void Check(string source, string output, MigrationRequest request)
    {
        if (!request.DryRun)
        {
            TargetLock.SweepLeftovers(request.InPlace ? ReplacedFile.FinalTarget(output) : output);
        }

        if (request.InPlace)
        {
            CheckReplaced(output, request);
            return;
        }

        InPlacePair.CheckThere(output);
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

    /// <summary>Refuses an output in a folder that is not there yet, where nothing but its name can be wrong.</summary>
    public static void CheckNew(string output)
    {
        if (HostSystem.Current.WhyNoName(output) is { } problem)
        {
            throw new MigrationException(FailureKind.Target, problem, output);
        }

        CheckLength(output);
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
        var replaced = ReplacedFile.FinalTarget(path);
        if (ContentStore.Keeps(path, replaced))
        {
            throw new MigrationException(
                FailureKind.Target,
                $"this leads to {replaced}, which is named by the digest of its content and shared by all that link to it; write a new file with --output",
                path);
        }

        // A backup that is the old file itself was left by a run that was killed before it replaced the old file.
        if (ReplacedFile.BackupOf(replaced, request) is { } backup)
        {
            CheckLength(backup);
            if (FileIdentity.OfLink(backup) is not null && !FileIdentity.AreSame(replaced, backup))
            {
                throw new MigrationException(FailureKind.Target, "the backup exists already; it is never replaced", backup);
            }
        }
    }

    /// <summary>Refuses a name that is too long. The system would refuse it only when all is written.</summary>
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
}
