using QkvMigrate.Files;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Stages;

/// <summary>The fused attention of the file is known.</summary>
/// <param name="Opened">The file.</param>
/// <param name="Scan">Its fused attention.</param>
internal sealed record ScannedCheckpoint(OpenedCheckpoint Opened, AttentionScan Scan) : CheckpointStage
{
    /// <inheritdoc/>
    public override CheckpointStage Before => Opened;

    /// <inheritdoc/>
    public override string Path => Opened.Path;

    /// <summary>
    /// The geometry, which fits all shapes of the file: what the user says, or what lies beside the file that the user named, or
    /// beside the base of the LoRA in that.
    /// </summary>
    /// <exception cref="MigrationException">There is no geometry, or it does not fit a shape.</exception>
    public ResolvedGeometry Resolve(GeometryFlags flags)
    {
        var baseDirectory = Opened.Named.Adapter is null ? null : FilePlace.DirectoryOf(Opened.Checkpoint.Source.Path);

        return GeometryResolver.Resolve(flags, FilePlace.DirectoryOf(Path), Scan.Shapes(), baseDirectory);
    }
}
