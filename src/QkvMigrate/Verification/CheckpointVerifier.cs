using QkvMigrate.Checkpoints;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>
/// Proves that one checkpoint file is the upgrade or downgrade of another, from the two files alone. Nothing of what
/// plans or writes such a file is used here: where a row must have come from is computed from the definitions of the
/// layouts. Memory does not depend on the size of the tensors.
/// </summary>
internal static class CheckpointVerifier
{
    /// <summary>Begins a verification: opens the second file, and finds out what was made of the first and whether that needs a geometry.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The path of what must be its upgrade or downgrade.</param>
    /// <param name="otherShards">The tensors in the other files of the same model as the first file, where it has several.</param>
    /// <param name="options">What the user says; its geometry and selection are asked elsewhere.</param>
    /// <param name="lora">The LoRA that was added to the first file's weights, or null.</param>
    /// <exception cref="MigrationException">The first file cannot be understood, or the second cannot be read.</exception>
    public static BegunVerification Begin(
        Checkpoint original,
        string upgraded,
        IReadOnlyList<TensorEntry> otherShards,
        VerificationOptions options,
        MergingLora? lora = null)
    {
        Checkpoint? after = null;
        try
        {
            after = Checkpoint.Open(upgraded);
            return new FileVerification(original, after, otherShards, options, lora);
        }
        catch (MigrationException error) when (IsFinding(error, upgraded))
        {
            after?.Dispose();
            return new EndedVerification(Finding(original, upgraded, options.Mode, error));
        }
        catch
        {
            after?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether a failure is no failure of the verification, but what was to be found: the second file breaks the rules of its
    /// format.
    /// </summary>
    public static bool IsFinding(MigrationException error, string upgraded) => error.File == upgraded && error.Kind != FailureKind.Io;

    /// <summary>The report of such a failure.</summary>
    public static VerificationReport Finding(Checkpoint original, string upgraded, VerificationMode mode, MigrationException error) => new()
    {
        Original = original.Source.Path,
        Upgraded = upgraded,
        Mode = mode,
        Differences = [new Difference(error.Where ?? "file", error.Problem) { Offset = error.Offset }],
        DifferenceCount = 1,
    };
}
