using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Verification;
using QkvMigrate.Writing.InPlace;

namespace QkvMigrate.Running.InPlace;

/// <summary>
/// Proves a file that was changed in its place. The old file is gone: it is what there is now, with each step taken back, and the
/// hashes in the journal, made of its own bytes, say that this is so. Against it the verifier holds the new file, from tables of its own.
/// </summary>
internal static class InPlaceProof
{
    /// <summary>Proves the new file.</summary>
    /// <returns>The SHA-256s of both files, where every byte is compared.</returns>
    /// <exception cref="MigrationException">It is not what the old file makes it.</exception>
    public static WrittenDigests? Require(InPlaceRewrite rewrite, InPlaceFacts facts, CancellationToken cancellation)
    {
        if (facts.Verification is not { } mode)
        {
            return null;
        }

        var options = new VerificationOptions { Mode = mode, IsOptimizerInModelOrder = facts.IsOptimizerInModelOrder };
        using var old = Checkpoint.Of(rewrite.Old());
        using var begun = CheckpointVerifier.Begin(old, rewrite.Pair.Hidden, [], options);
        var report = begun.Run(facts.Geometry.ToGeometry(), cancellation);
        if (!report.IsVerified)
        {
            throw Failed(rewrite, $"{report.DifferenceCount} differences, the first: {report.Differences[0]}");
        }

        if (facts.SourceSha256 is not { } expected)
        {
            return null;
        }

        var source = FileDigest.Whole(rewrite.Old(), cancellation);
        return source == expected
            ? new WrittenDigests(source, FileDigest.Whole(rewrite.Pair.Hidden, cancellation))
            : throw Failed(rewrite, $"it leads back to a file with SHA-256 {source}, expected {expected}");
    }

    private static MigrationException Failed(InPlaceRewrite rewrite, string problem) =>
        new(FailureKind.Verification, $"the new file did not pass its verification, and the old one was put back; {problem}", rewrite.Pair.Path);
}
