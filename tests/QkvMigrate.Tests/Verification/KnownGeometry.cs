using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Verification;

namespace QkvMigrate.Tests.Verification;

/// <summary>Verifies files whose geometry a test knows.</summary>
internal static class KnownGeometry
{
    /// <summary>Holds one file against what must be its upgrade or downgrade.</summary>
    /// <param name="original">The path of the first file.</param>
    /// <param name="upgraded">The path of the second.</param>
    /// <param name="geometry">Where q, k and v stand.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <param name="isWithoutUnreferenced">Whether storages that nothing in the first file names must be left out where the layout changes.</param>
    public static VerificationReport Verify(
        string original,
        string upgraded,
        AttentionGeometry geometry,
        VerificationMode mode,
        CancellationToken cancellation,
        bool isWithoutUnreferenced = false)
    {
        using var before = Checkpoint.Open(original);
        using var begun = CheckpointVerifier.Begin(before, upgraded, [], new VerificationOptions { Mode = mode, IsWithoutUnreferenced = isWithoutUnreferenced });
        return begun.Run(geometry, cancellation);
    }
}
