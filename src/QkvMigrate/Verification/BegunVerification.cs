using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>A verification of which it is known whether rows moved between the two files, and so whether it needs a geometry.</summary>
internal abstract class BegunVerification : IDisposable
{
    /// <summary>The shapes of the fused tensors, which the geometry has to fit; null where none is needed.</summary>
    public abstract IReadOnlyList<AttentionShape>? Shapes { get; }

    /// <summary>Verifies.</summary>
    /// <param name="geometry">Where q, k and v stand; null where none is needed.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">The first file cannot be read or understood. What is wrong with the second is in the report.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public abstract VerificationReport Run(AttentionGeometry? geometry, CancellationToken cancellation);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>A verification that ended where it began: the second file breaks the rules of its format.</summary>
/// <param name="report">What was found.</param>
internal sealed class EndedVerification(VerificationReport report) : BegunVerification
{
    /// <inheritdoc/>
    public override IReadOnlyList<AttentionShape>? Shapes => null;

    /// <inheritdoc/>
    public override VerificationReport Run(AttentionGeometry? geometry, CancellationToken cancellation) => report;

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
