using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>What was made of the fused tensors of a file.</summary>
/// <param name="Change">From which layout to which.</param>
/// <param name="Fused">The tensors, as they are in the first file.</param>
/// <param name="Geometry">Where q, k and v stand.</param>
internal sealed record FusedChange(VerifiedChange Change, List<FusedEntry> Fused, AttentionGeometry Geometry)
{
    /// <summary>Whether a row stands elsewhere afterwards: with one query group each stays.</summary>
    public bool MovesRows { get; } = Enumerable.Range(0, Geometry.HeadCount + (2 * Geometry.QueryGroupCount))
        .Any(place => Change.From.PlaceOf(Change.To.HeadAt(place, Geometry), Geometry) != place);

    /// <summary>Whether the user says that optimizers number their parameters in the order of the model.</summary>
    public bool IsOptimizerInModelOrder { get; init; }
}
