using System.Diagnostics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Geometry;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>Verifies two checkpoint files. What keeps them from being verified is in the report.</summary>
/// <param name="options">What the user says.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class PairVerification(VerificationOptions options, CancellationToken cancellation)
{
    private static readonly ProofLine Nothing = new("names", "those of all tensors: there was nothing to do, and the second directory has no copy to compare");

    /// <summary>Verifies the second file as the upgrade or downgrade of the first.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file.</param>
    /// <param name="otherShards">The tensors in the other files of the same model as the first file, where it has several.</param>
    public VerificationReport Run(string original, string upgraded, IReadOnlyList<TensorEntry> otherShards)
    {
        try
        {
            var watch = Stopwatch.StartNew();
            if (options.Merge is { } merge)
            {
                return Merged(original, upgraded, merge) with { Elapsed = watch.Elapsed };
            }

            using var before = Checkpoint.Open(original);
            using var begun = CheckpointVerifier.Begin(before, upgraded, otherShards, options);
            var geometry = begun.Shapes is { } shapes
                ? GeometryResolver.Resolve(options.Geometry, FilePlace.DirectoryOf(original), shapes).Geometry
                : null;
            return begun.Run(geometry, cancellation) with { Elapsed = watch.Elapsed };
        }
        catch (MigrationException error)
        {
            return Refused(original, upgraded, error);
        }
    }

    private VerificationReport Merged(string lora, string merged, MergeOptions merge)
    {
        using var begun = MergeVerification.Begin(lora, merged, merge, options);
        var geometry = begun.Shapes is { } shapes
            ? GeometryResolver.Resolve(options.Geometry, FilePlace.DirectoryOf(lora), shapes, FilePlace.DirectoryOf(begun.BasePath)).Geometry
            : null;
        var watched = new WatchedFiles(options.Watching);
        watched.Note([begun.BasePath]);
        var report = begun.Run(geometry, cancellation);
        return watched.Changes() is [var change, ..] ? Refused(lora, merged, change) : report;
    }

    /// <summary>Verifies a file without a counterpart: held against itself, nothing may have to change.</summary>
    /// <param name="original">The file.</param>
    /// <param name="missing">Where the counterpart is missing.</param>
    public VerificationReport NothingToDo(string original, string missing)
    {
        if (options.Merge is not null)
        {
            // There is no LoRA that a merge leaves as it is.
            return Missing(original, missing);
        }

        var quick = new PairVerification(options with { Mode = VerificationMode.Quick }, cancellation);
        var report = quick.Run(original, original, []);
        if (report.Error is not null)
        {
            return report;
        }

        return report.IsVerified ? report with { Covered = [Nothing], LeftOut = [] } : Missing(original, missing);
    }

    private VerificationReport Missing(string original, string missing) => new()
    {
        Original = original,
        Upgraded = missing,
        Mode = options.Mode,
        Differences = [new Difference("file", "it is not in the second directory")],
        DifferenceCount = 1,
    };

    /// <summary>The report of what cannot be verified.</summary>
    public VerificationReport Refused(string original, string upgraded, MigrationException error) => new()
    {
        Original = original,
        Upgraded = upgraded,
        Mode = options.Mode,
        Error = error.InFile(original),
    };
}
