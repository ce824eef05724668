using QkvMigrate.Exporting;
using QkvMigrate.Files;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Exports;

/// <summary>Refuses targets of an export before anything is written.</summary>
internal static class ExportTargets
{
    /// <summary>Looks at what stands where the result is to be.</summary>
    /// <exception cref="MigrationException">Something is there that must stay.</exception>
    public static void Check(ExportPlan plan, CheckpointUnit unit, string output, MigrationRequest request)
    {
        if (FilePlace.Of(output).Id == FilePlace.Of(unit.Root).Id)
        {
            throw new MigrationException(FailureKind.Target, "the output is the directory of the checkpoint; name another one", output);
        }

        if (FileIdentity.Of(output) is { IsDirectory: false })
        {
            throw new MigrationException(FailureKind.Target, "the output is a file, expected a directory", output);
        }

        CheckpointWriting.CheckTarget(unit.Root, output, request);
        if (plan.Files.FirstOrDefault(file => Directory.Exists(Path.Combine(output, file))) is { } folder)
        {
            throw new MigrationException(FailureKind.Target, "a folder stands where a file is to be; take it away", Path.Combine(output, folder));
        }
    }
}
