using QkvMigrate.Folders;
using QkvMigrate.Geometry;

namespace QkvMigrate.Verification;

/// <summary>What a user says about a verification.</summary>
public sealed record VerificationOptions
{
    /// <summary>Which checkpoints of a directory or tree were worked on.</summary>
    public CheckpointSelection Selection { get; init; } = CheckpointSelection.All;

    /// <summary>What the user says about the geometry; the rest comes from beside the first file.</summary>
    public GeometryFlags Geometry { get; init; } = new();

    /// <summary>
    /// Called with each list of paths that are watched for changes from here on, before anything of them is read. For tests, which
    /// change one then.
    /// </summary>
    internal Action<IReadOnlyList<string>>? Watching { get; init; }

    /// <summary>What was done to the first files; null where the names in each file and its second tell.</summary>
    public MigrationDirection? Direction { get; init; }

    /// <summary>How much is compared.</summary>
    public VerificationMode Mode { get; init; } = VerificationMode.Full;

    /// <summary>Where the first path is a LoRA and the second its merge: what the user says about that. Null for all else.</summary>
    public MergeOptions? Merge { get; init; }

    /// <summary>Whether storages that nothing in a file names must be left out where its layout changes.</summary>
    public bool IsWithoutUnreferenced { get; init; }

    /// <summary>Whether the states of optimizers must be left out where a file has some.</summary>
    public bool IsWithoutOptimizer { get; init; }

    /// <summary>Whether the user says that optimizers number their parameters in the order of the model, where the file does not prove it.</summary>
    public bool IsOptimizerInModelOrder { get; init; }

    /// <summary>As <see cref="Direction"/>.</summary>
    internal VerifiedChange? Change => Direction switch
    {
        MigrationDirection.Upgrade => VerifiedLayouts.Upgrade,
        MigrationDirection.Downgrade => VerifiedLayouts.Downgrade,
        _ => null,
    };
}
