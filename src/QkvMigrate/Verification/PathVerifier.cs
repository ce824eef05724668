using System.Diagnostics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Geometry;
using QkvMigrate.Verification.Exports;

namespace QkvMigrate.Verification;

/// <summary>
/// Verifies what a user names: two files, or two directories or trees with every file in and below their checkpoint
/// directories. A directory with nothing to do has no output in a tree; then it is proven that there was nothing to do.
/// A second path that is an export for Hugging Face's libraries, or a tree of such, is verified as one.
/// </summary>
public sealed class PathVerifier
{
    private readonly VerificationOptions options;
    private readonly CancellationToken cancellation;

    private PathVerifier(VerificationOptions options, CancellationToken cancellation)
    {
        this.options = options;
        this.cancellation = cancellation;
    }

    /// <summary>
    /// One report for each checkpoint of <paramref name="original"/>, and one for the directory itself where other files
    /// differ. What keeps a checkpoint from being verified is in its report.
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
            if (Directory.Exists(path) && DistributedCheckpoint.RefusalOfFolder(path) is { } refusal)
            {
                throw refusal;
            }
        }

        if (ExportPaths.Verify(original, upgraded, options, cancellation) is { } exports)
        {
            return exports;
        }

        if (Directory.Exists(original) != Directory.Exists(upgraded))
        {
            throw new MigrationException(FailureKind.Usage, $"a directory and a file cannot be compared: {original} and {upgraded}");
        }

        var verifier = new PathVerifier(options, cancellation);
        if (!Directory.Exists(original))
        {
            return [verifier.VerifyFile(original, upgraded, [])];
        }

        try
        {
            return verifier.VerifyTree(original, upgraded);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, original, inner: error);
        }
    }

    private List<VerificationReport> VerifyTree(string original, string upgraded)
    {
        var before = new CheckpointFiles(original, options.Selection, cancellation);
        var after = before.NamesIn(upgraded);
        var reports = new List<VerificationReport>();
        var log = new DifferenceLog();

        // The source's own checksums give way to those of the tree.
        var hasRecord = RecordNames.AreIn(upgraded);
        var names = before.Names.Union(after).Where(name => !(hasRecord && name == RecordNames.Checksums)).Order(StringComparer.Ordinal);
        foreach (var folder in names.GroupBy(name => Path.GetDirectoryName(name)!))
        {
            var gone = folder.Where(name => before.DirectoryOf(name) is { } directory && !Directory.Exists(Path.Combine(upgraded, directory))).ToList();
            reports.AddRange(gone
                .Where(before.IsCheckpoint)
                .Select(name => VerifyNothingToDo(Path.Combine(original, name), Path.Combine(upgraded, name))));
            var checkpoints = folder.Except(gone).Where(name => before.IsCheckpoint(name) && after.Contains(name)).ToList();
            var found = VerifyCheckpoints(Path.Combine(original, folder.Key), Path.Combine(upgraded, folder.Key), checkpoints);
            reports.AddRange(found);
            var others = new DirectoryComparison(original, upgraded, found, log, cancellation);
            foreach (var name in folder.Except(gone).Except(checkpoints))
            {
                others.Compare(name, before.Names.Contains(name), after.Contains(name));
            }
        }

        reports.AddRange(before.Distributed.Select(found =>
            Refused(Path.Combine(original, found.Folder), Path.Combine(upgraded, found.Folder), found.Refusal)));
        if (log.Count > 0)
        {
            reports.Add(new VerificationReport
            {
                Original = original,
                Upgraded = upgraded,
                Mode = options.Mode,
                Differences = log.First,
                DifferenceCount = log.Count,
            });
        }

        return reports.Count > 0
            ? reports
            : throw new MigrationException(FailureKind.Malformed, "no checkpoint in this directory or below it", original);
    }

    /// <summary>Verifies a file without a counterpart: held against itself, nothing may have to change.</summary>
    private VerificationReport VerifyNothingToDo(string original, string missing)
    {
        var quick = new PathVerifier(new VerificationOptions { Geometry = options.Geometry, Mode = VerificationMode.Quick }, cancellation);
        var report = quick.VerifyFile(original, original, []);
        return report.IsVerified || report.Error is not null ? report : new VerificationReport
        {
            Original = original,
            Upgraded = missing,
            Mode = report.Mode,
            Differences = [new Difference("file", "it is not in the second directory")],
            DifferenceCount = 1,
        };
    }

    /// <summary>The checkpoints of one folder; several may be the shards of one model.</summary>
    private List<VerificationReport> VerifyCheckpoints(string original, string upgraded, IEnumerable<string> names)
    {
        var files = names.Select(name => Path.GetFileName(name)!).ToList();
        if (files.Count == 0)
        {
            return [];
        }

        try
        {
            var shards = new ModelShards(original);
            return files.ConvertAll(file => VerifyFile(Path.Combine(original, file), Path.Combine(upgraded, file), shards.Beside(file)));
        }
        catch (MigrationException unfit)
        {
            return [Refused(original, upgraded, unfit)];
        }
    }

    private VerificationReport VerifyFile(string original, string upgraded, IReadOnlyList<TensorEntry> otherShards)
    {
        try
        {
            var watch = Stopwatch.StartNew();
            using var before = Checkpoint.Open(original);
            using var begun = CheckpointVerifier.Begin(before, upgraded, otherShards, options.Mode, options.IsWithoutUnreferenced);
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

    private VerificationReport Refused(string original, string upgraded, MigrationException error) => new()
    {
        Original = original,
        Upgraded = upgraded,
        Mode = options.Mode,
        Error = error.InFile(original),
    };
}
