using QkvMigrate.Attention;
using QkvMigrate.Layouts;

namespace QkvMigrate.Running.Originals;

/// <summary>Whether a file is what an upgrade or a downgrade makes of the file with a certain SHA-256.</summary>
public sealed record OriginalReport
{
    /// <summary>The file, or the directory as a whole.</summary>
    public required string Path { get; init; }

    /// <summary>The SHA-256 that the user gave, as 64 hexadecimal digits in lower case; null where there is none for this path.</summary>
    public string? ExpectedSha256 { get; init; }

    /// <summary>The SHA-256 of what was made again, or of the file itself where nothing was done to it; null where nothing was hashed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>What was done to the original; null where nothing was.</summary>
    public MigrationDirection? Direction => Made is null ? null : Made.IsUpgrade ? MigrationDirection.Upgrade : MigrationDirection.Downgrade;

    /// <summary>The geometry by which rows were moved back, or null where none were.</summary>
    public AttentionGeometry? Geometry { get; init; }

    /// <summary>All tensors of the file.</summary>
    public int TensorCount { get; init; }

    /// <summary>Those whose rows were moved back.</summary>
    public int MovedTensors { get; init; }

    /// <summary>Keys, module paths and parameter names that got their old text back.</summary>
    public int RenamedNames { get; init; }

    /// <summary>Bytes that were hashed.</summary>
    public long HashedBytes { get; init; }

    /// <summary>Why it is not proven, or null where it is.</summary>
    public string? Problem { get; init; }

    /// <summary>Why nothing could be said.</summary>
    public MigrationException? Error { get; init; }

    /// <summary>Wall time.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Whether the file is proven.</summary>
    public bool IsVerified => Problem is null && Error is null;

    /// <summary>As <see cref="Direction"/>.</summary>
    internal Conversion? Made { get; init; }
}

/// <summary>What was found of a path.</summary>
/// <param name="Reports">A report for each file that is proven or must be, in the order of their paths, and one for the directory where the files do not go together.</param>
/// <param name="Unlisted">Files beside checkpoints for which there is no checksum: nothing is said of them.</param>
public sealed record OriginalProof(IReadOnlyList<OriginalReport> Reports, IReadOnlyList<string> Unlisted)
{
    /// <summary>Whether every file for which there is a checksum is proven, and every checkpoint has one.</summary>
    public bool IsVerified => Reports.All(report => report.IsVerified);
}
