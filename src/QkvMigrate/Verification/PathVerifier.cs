using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Verification.Exports;

namespace QkvMigrate.Verification;

/// <summary>
/// Verifies what a user names: two files, or two directories or trees with every file in and below their checkpoint
/// directories. A directory with nothing to do has no output in a tree; then it is proven that there was nothing to do.
/// A second path that is an export for Hugging Face's libraries, or a tree of such, is verified as one.
/// </summary>
public static class PathVerifier
{
    /// <summary>
    /// One report for each checkpoint of <paramref name="original"/>, and one for the directory itself where there is something to
    /// tell of it (<see cref="VerificationReport.IsOfTree"/>). What keeps a checkpoint from being verified is in its report.
    /// </summary>
    /// <param name="original">A checkpoint file, or a directory.</param>
    /// <param name="upgraded">What must be its upgrade or downgrade, or an unchanged copy where there was nothing to do.</param>
    /// <param name="options">What the user says.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">One path is a directory and the other is not, or one is not there.</exception>
    public static IReadOnlyList<VerificationReport> Run(string original, string upgraded, VerificationOptions options, CancellationToken cancellation)
    {
        foreach (var path in new[] { original, upgraded })
        {
            InPlacePair.CheckThere(path);
            if (!Path.Exists(path))
            {
                throw new MigrationException(FailureKind.Io, "no such file or directory", path);
            }

            if (Directory.Exists(path) && DistributedCheckpoint.RefusalOfFolder(path) is { } refusal)
            {
                throw refusal;
            }
        }

        if (ExportPaths.Verify(original, upgraded, options, cancellation) is { } exports)
        {
            return options.Direction is null ? exports : throw new MigrationException(FailureKind.Usage, "an export has no --direction", upgraded);
        }

        if (Directory.Exists(original) && FileIdentity.Of(upgraded) is null)
        {
            throw new MigrationException(FailureKind.Io, "there is no such directory; an upgrade that had nothing to do makes none", upgraded);
        }

        if (Directory.Exists(original) != Directory.Exists(upgraded))
        {
            throw new MigrationException(FailureKind.Usage, $"a directory and a file cannot be compared: {original} and {upgraded}");
        }

        try
        {
            return Directory.Exists(original)
                ? new TreeVerification(original, upgraded, options, cancellation).Run()
                : Files(original, upgraded, options, cancellation);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, original, inner: error);
        }
    }

    /// <summary>Two files. The first one's directory may tell the geometry, so its configurations must not change either.</summary>
    private static List<VerificationReport> Files(string original, string upgraded, VerificationOptions options, CancellationToken cancellation)
    {
        var watched = new WatchedFiles(options.Watching);
        watched.Note(
        [
            original, upgraded, .. options.Geometry.ConfigPath is { } configuration ? new[] { configuration } : [],
            .. !File.Exists(original) ? [] : Directory.EnumerateFiles(FilePlace.DirectoryOf(original)).Where(name => Path.GetExtension(name) is ".yaml" or ".json"),
        ]);
        var pair = new PairVerification(options, cancellation);
        return watched.Hold([Alone(pair.Run(original, upgraded, []))], change => pair.Refused(original, upgraded, change));
    }

    private static VerificationReport Alone(VerificationReport report)
    {
        if (report.Error is not null)
        {
            return report;
        }

        var proofs = new ProofLog();
        proofs.LeaveOut("what lies beside", "the configuration and other files: two files were named, and nothing around them is looked at");
        return proofs.AddedTo(report);
    }
}
