using QkvMigrate.Files;
using QkvMigrate.Writing;
using QkvMigrate.Writing.InPlace;

namespace QkvMigrate.Running.InPlace;

/// <summary>Leads a change in place to one of its two ends: the new file, proven, or the old one. In between it can be recovered.</summary>
internal static class InPlaceEnding
{
    /// <summary>Makes what is left, proves the new file and names it. One that is not what it must be becomes the old one again.</summary>
    /// <returns>The SHA-256s of both files, where every byte is compared.</returns>
    /// <exception cref="MigrationException">
    /// The new file did not pass, and the old one is back; or the system refuses or the work was cancelled, and the failure says what
    /// is left.
    /// </exception>
    public static WrittenDigests? GoForward(InPlaceRewrite change, InPlaceFacts facts, IFileProgress? progress, CancellationToken cancellation)
    {
        try
        {
            change.GoForward(cancellation);
            progress?.Enter(WriteStage.Verifying);
            var digests = InPlaceProof.Require(change, facts, cancellation);
            progress?.Enter(WriteStage.Syncing);
            change.Commit();
            return digests;
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Verification)
        {
            GoBack(change, facts, CancellationToken.None);
            throw;
        }
        catch (Exception error) when (IsInterruption(error))
        {
            throw Interrupted(change, error);
        }
    }

    /// <summary>Takes back what was made, and names the old file.</summary>
    /// <exception cref="MigrationException">The file is not the old one again, or the system refuses, and the failure says what is left.</exception>
    public static void GoBack(InPlaceRewrite change, InPlaceFacts facts, CancellationToken cancellation)
    {
        try
        {
            change.GoBack(cancellation);
            if (facts.SourceSha256 is { } expected && FileDigest.Whole(change.Pair.Hidden, cancellation) is var found && found != expected)
            {
                throw new MigrationException(FailureKind.Verification, $"it has SHA-256 {found} now, and had {expected}", change.Pair.Hidden);
            }

            change.Commit();
        }
        catch (Exception error) when (IsInterruption(error))
        {
            throw Left(change, error);
        }
    }

    private static bool IsInterruption(Exception error) =>
        IoFailure.IsOne(error) || error is OperationCanceledException or MigrationException { Kind: FailureKind.Io or FailureKind.Target };

    /// <summary>Where no step is made, only the names are taken back. Else the pair is left: to take a large file back takes as long as to go on.</summary>
    private static MigrationException Interrupted(InPlaceRewrite change, Exception error)
    {
        if (!change.IsUntouched)
        {
            return Left(change, error);
        }

        try
        {
            change.Abandon();
        }
        catch (Exception second) when (IoFailure.IsOne(second))
        {
            return Left(change, error);
        }

        return Failure(change, error, "the file is as it was");
    }

    private static MigrationException Left(InPlaceRewrite change, Exception error)
    {
        var state = change.State;
        var made = state.Turn is null ? $"{state.Made.Count} of {change.StepCount} steps were begun" : "it was on its way back";
        return Failure(change, error, $"{made}; it is {change.Pair.Hidden} now, and `{change.Pair.Command}` goes on from there");
    }

    private static MigrationException Failure(InPlaceRewrite change, Exception error, string rest)
    {
        var (kind, problem) = error switch
        {
            OperationCanceledException => (FailureKind.Cancelled, "cancelled"),
            MigrationException known => (known.Kind, known.Problem),
            _ => (FailureKind.Io, IoFailure.Of(error, change.Pair.Path).Problem),
        };
        return new MigrationException(kind, $"{problem}; {rest}", change.Pair.Path, inner: error);
    }
}
