namespace QkvMigrate.Running.Batches;

/// <summary>One item of a batch: a checkpoint file or directory, and the work on it.</summary>
/// <param name="Path">The checkpoint file or directory.</param>
/// <param name="Bytes">Bytes of its files.</param>
/// <param name="Run">Does the work. What is wrong with a checkpoint is in its report.</param>
internal sealed record BatchUnit(string Path, long Bytes, Func<CancellationToken, IReadOnlyList<CheckpointReport>> Run)
{
    /// <summary>The weight by which units are dealt to the parts of the work.</summary>
    public long Weight { get; init; } = Bytes;
}
