using QkvMigrate.Attention;
using QkvMigrate.Migration;

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

    /// <summary>Entries of the zip.</summary>
    public int Entries { get; init; }

    /// <summary>Entries whose CRC-32 was computed from their bytes.</summary>
    public int Checksums { get; init; }

    /// <summary>Bytes of the second file's entries that were compared with what they must be.</summary>
    public long ComparedBytes { get; init; }

    /// <summary>Bytes of the second file's entries.</summary>
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

    /// <summary>The way that leads from the first file to the second; null where they must be the same.</summary>
    public MigrationDirection? Direction { get; init; }

    /// <summary>The geometry by which rows were expected to have moved, or null where none do.</summary>
    public AttentionGeometry? Geometry { get; init; }

    /// <summary>The first differences; empty where there are none.</summary>
    public IReadOnlyList<Difference> Differences { get; init; } = [];

    /// <summary>All differences that were counted: one of a row, and of an entry of the zip not many more than are named.</summary>
    public long DifferenceCount { get; init; }

    /// <summary>Why nothing could be verified: the first file cannot be read, or its geometry is not known.</summary>
    public MigrationException? Error { get; init; }

    /// <summary>What was compared.</summary>
    public VerificationCoverage Coverage { get; init; } = new();

    /// <summary>Wall time.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Whether no difference was found in what was compared.</summary>
    public bool IsVerified => DifferenceCount == 0 && Error is null;
}
