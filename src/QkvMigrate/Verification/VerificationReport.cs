using System.Diagnostics;
using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>What was compared.</summary>
public sealed record VerificationCoverage
{
    /// <summary>Tensors of the first file; each was looked for in the second, in order.</summary>
    public int Tensors { get; init; }

    /// <summary>Tensors whose rows are in the other order.</summary>
    public int MovedTensors { get; init; }

    /// <summary>Keys, module paths and parameter names that are new.</summary>
    public int RenamedNames { get; init; }

    /// <summary>Layers whose LoRA is of higher rank and was multiplied out.</summary>
    public int ExpandedLayers { get; init; }

    /// <summary>Weights that a LoRA was added to.</summary>
    public int MergedWeights { get; init; }

    /// <summary>Regions of the file whose bytes were compared: entries of a zip, storages and what stands between them.</summary>
    public int Regions { get; init; }

    /// <summary>Storages that nothing names and that were expected to be left out.</summary>
    public int DroppedRecords { get; init; }

    /// <summary>CRC-32s that the second file gives for its regions: one for each entry of a zip, none in other formats.</summary>
    public int StoredChecksums { get; init; }

    /// <summary>How many of them were computed from the bytes.</summary>
    public int Checksums { get; init; }

    /// <summary>Bytes of the second file's regions that were compared with what they must be.</summary>
    public long ComparedBytes { get; init; }

    /// <summary>Bytes of the second file's regions.</summary>
    public long TotalBytes { get; init; }
}

/// <summary>Whether one file is what the upgrade or downgrade of another must be.</summary>
public sealed record VerificationReport
{
    /// <summary>The first file.</summary>
    public required string Original { get; init; }

    /// <summary>The second file.</summary>
    public required string Upgraded { get; init; }

    /// <summary>How much was compared.</summary>
    public required VerificationMode Mode { get; init; }

    /// <summary>
    /// Whether it tells of two directories as wholes: of what belongs to none of their checkpoints, and how these go together. It is
    /// the last one, and missing where there is nothing to tell.
    /// </summary>
    public bool IsOfTree { get; init; }

    /// <summary>The way that leads from the first file to the second; null where they must be the same.</summary>
    public MigrationDirection? Direction =>
        Change is null ? null
        : Change == VerifiedLayouts.Upgrade ? MigrationDirection.Upgrade
        : Change == VerifiedLayouts.Downgrade ? MigrationDirection.Downgrade
        : throw new UnreachableException($"no direction stands for a file that was {Change.PastTense}");

    /// <summary>What was made of the first file; null where nothing had to change.</summary>
    internal VerifiedChange? Change { get; init; }

    /// <summary>The geometry by which rows were expected to have moved, or null where none do.</summary>
    public AttentionGeometry? Geometry { get; init; }

    /// <summary>The class of Hugging Face's models that the first file became, where the second path is its export.</summary>
    public string? Exported { get; init; }

    /// <summary>LitGPT's <c>lora_r</c> in the first and in the second file, where the LoRA is expanded.</summary>
    public (long Before, long After)? LoraRank { get; init; }

    /// <summary>The first differences; empty where there are none.</summary>
    public IReadOnlyList<Difference> Differences { get; init; } = [];

    /// <summary>The number of differences that were counted: at most one for each row, and for each region few more than are listed.</summary>
    public long DifferenceCount { get; init; }

    /// <summary>Why nothing could be verified: the first file cannot be read, or its geometry is not known.</summary>
    public MigrationException? Error { get; init; }

    /// <summary>What was compared.</summary>
    public VerificationCoverage Coverage { get; init; } = new();

    /// <summary>What was held against the first file, proof by proof; that of its directory too, where directories were named.</summary>
    public IReadOnlyList<ProofLine> Covered { get; init; } = [];

    /// <summary>What was not looked at: a verdict says nothing of it.</summary>
    public IReadOnlyList<ProofLine> LeftOut { get; init; } = [];

    /// <summary>Wall time.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Whether no difference was found in what was compared.</summary>
    public bool IsVerified => DifferenceCount == 0 && Error is null;
}
