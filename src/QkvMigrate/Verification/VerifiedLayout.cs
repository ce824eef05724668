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
