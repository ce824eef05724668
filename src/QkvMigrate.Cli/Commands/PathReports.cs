using QkvMigrate.Running;

namespace QkvMigrate.Cli.Commands;

/// <summary>Gathers the reports of several paths. A path that cannot be used gets a report of its own, and does not stop the others.</summary>
internal static class PathReports
{
    /// <summary>The reports of <paramref name="run"/>, or one that says why <paramref name="path"/> as a whole is of no use.</summary>
    public static IReadOnlyList<CheckpointReport> Collect(string path, Func<IReadOnlyList<CheckpointReport>> run)
    {
        try
        {
            return run();
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Usage)
        {
            return [CheckpointReport.Of(path, error)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [CheckpointReport.Of(path, new MigrationException(FailureKind.Io, error.Message, path, inner: error))];
        }
    }

    /// <summary>Whether a checkpoint failed or was refused.</summary>
    public static bool HasFailure(IEnumerable<CheckpointReport> reports) =>
        reports.Any(report => report.Status is CheckpointStatus.Failed or CheckpointStatus.Refused);
}
