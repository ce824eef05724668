using QkvMigrate.Planning.Stages;

namespace QkvMigrate.Running;

/// <summary>The last stage: the new file is on the disk, proven as far as was asked, under its name.</summary>
/// <param name="Planned">What was planned.</param>
/// <param name="Output">The new file.</param>
/// <param name="Digests">What was hashed; null where the verification does not read every byte.</param>
internal sealed record WrittenCheckpoint(PlannedCheckpoint Planned, string Output, WrittenDigests? Digests) : CheckpointStage
{
    /// <inheritdoc/>
    public override CheckpointStage Before => Planned;

    /// <inheritdoc/>
    public override string Path => Planned.Path;
}

/// <summary>SHA-256s, each 64 hexadecimal digits in lower case.</summary>
/// <param name="Source">That of the source.</param>
/// <param name="Output">That of the new file, read back from what was written.</param>
internal sealed record WrittenDigests(string Source, string Output);
