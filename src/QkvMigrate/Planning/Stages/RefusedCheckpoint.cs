namespace QkvMigrate.Planning.Stages;

/// <summary>The way ended before its time: the checkpoint is not worked on, or what was begun is taken away.</summary>
/// <param name="Reached">The last stage that was reached.</param>
/// <param name="Error">Why it is not worked on.</param>
internal sealed record RefusedCheckpoint(CheckpointStage Reached, MigrationException Error) : CheckpointStage
{
    /// <inheritdoc/>
    public override CheckpointStage Before => Reached;

    /// <inheritdoc/>
    public override string Path => Reached.Path;
}
