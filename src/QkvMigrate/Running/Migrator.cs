using QkvMigrate.Running.Batches;

namespace QkvMigrate.Running;

/// <summary>Does what a user asks with one path, or with many: checkpoint files, and directories with checkpoints in or below them.</summary>
public static class Migrator
{
    /// <summary>
    /// Carries out <paramref name="request"/>: one report for each checkpoint file. What is wrong with a checkpoint is
    /// in its report, and does not stop the others. Cancelled, it removes what it has begun, says so in a report, and begins
    /// nothing more.
    /// </summary>
    /// <exception cref="MigrationException">The path as a whole is of no use: not there, or without checkpoints, or the request makes no sense.</exception>
    public static IReadOnlyList<CheckpointReport> Run(MigrationRequest request, CancellationToken cancellation)
    {
        var batch = new Batch(new BatchOptions { KeepPlans = true }, cancellation);
        batch.Add(request);
        return batch.Run();
    }

    /// <summary>
    /// Carries out several requests as one batch: all that they find is counted, dealt to parts and worked on together.
    /// The reports stand in the order of the requests and of the paths in them, whatever was finished first; a path that
    /// is of no use as a whole has a report of its own.
    /// </summary>
    public static IReadOnlyList<CheckpointReport> Run(IEnumerable<MigrationRequest> requests, BatchOptions options, CancellationToken cancellation)
    {
        var batch = new Batch(options, cancellation);
        foreach (var request in requests)
        {
            batch.TryAdd(request);
        }

        return batch.Run();
    }
}
