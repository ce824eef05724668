using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>One way to store fused attention, as the verifier knows it. Each is an entry of <see cref="VerifiedLayouts"/>.</summary>
internal sealed class VerifiedLayout
{
    /// <summary>Its age, as differences name it.</summary>
    public required string Age { get; init; }

    /// <summary>The name of the fused module within its block.</summary>
    public required string Module { get; init; }

    /// <summary>Which head stands at a place of the fused matrix. Places are counted in heads, from 0.</summary>
    public required Func<long, AttentionGeometry, FusedHead> HeadAt { get; init; }

    /// <summary>Where a head stands: the inverse of <see cref="HeadAt"/>.</summary>
    public required Func<FusedHead, AttentionGeometry, long> PlaceOf { get; init; }
}

/// <summary>A head of a fused matrix.</summary>
/// <param name="Section">q, k or v.</param>
/// <param name="Head">Its number within the section.</param>
internal readonly record struct FusedHead(QkvSection Section, long Head)
{
    /// <summary>The query group that it belongs to.</summary>
    public long QueryGroup(AttentionGeometry geometry) => Section == QkvSection.Query ? Head / geometry.QueriesPerGroup : Head;
}

/// <summary>What a migration makes of a file: one layout becomes another. Each is an entry of <see cref="VerifiedLayouts.Changes"/>.</summary>
internal sealed class VerifiedChange
{
    /// <summary>The layout of the first file.</summary>
    public required VerifiedLayout From { get; init; }

    /// <summary>The layout of the second file.</summary>
    public required VerifiedLayout To { get; init; }

    /// <summary>What was done to the file, as differences name it.</summary>
    public required string PastTense { get; init; }

    /// <summary>Whether each file of the first layout must have been changed. Otherwise the names in the second file tell whether it was.</summary>
    public required bool IsMandatory { get; init; }
}
