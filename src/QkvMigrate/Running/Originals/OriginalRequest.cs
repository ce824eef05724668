using QkvMigrate.Folders;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;

namespace QkvMigrate.Running.Originals;

/// <summary>What a user asks to be proven from the checksums of originals that are not there any more.</summary>
public sealed record OriginalRequest
{
    /// <summary>What an upgrade or a downgrade made: a checkpoint file, a checkpoint directory, or a tree of them.</summary>
    public required string Path { get; init; }

    /// <summary>The SHA-256 of what it was made from.</summary>
    public required OriginalChecksums Checksums { get; init; }

    /// <summary>What was done to the originals; null where each file tells by its layout.</summary>
    public MigrationDirection? Direction { get; init; }

    /// <summary>What the user says about the geometry; the rest comes from beside each file.</summary>
    public GeometryFlags Geometry { get; init; } = new();

    /// <summary>Which checkpoints of a directory or tree are proven.</summary>
    public CheckpointSelection Selection { get; init; } = CheckpointSelection.All;

    /// <summary>What may have been done to an original, in the order in which it is tried.</summary>
    internal IReadOnlyList<Conversion> Conversions => Direction switch
    {
        MigrationDirection.Upgrade => [Conversion.Upgrade],
        MigrationDirection.Downgrade => [Conversion.Downgrade],
        _ => [Conversion.Upgrade, Conversion.Downgrade],
    };
}
