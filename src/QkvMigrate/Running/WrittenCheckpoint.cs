using QkvMigrate.Planning.Stages;

namespace QkvMigrate.Running;

/// <summary>The last stage: the new file is on the disk, proven as far as was asked, under its name.</summary>
/// <param name="Planned">What was planned.</param>
/// <param name="Output">The new file.</param>
internal sealed record WrittenCheckpoint(PlannedCheckpoint Planned, string Output) : CheckpointStage
{
    /// <inheritdoc/>
    public override CheckpointStage Before => Planned;

    /// <inheritdoc/>
    public override string Path => Planned.Path;
}
