using QkvMigrate.Configuration;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification;

/// <summary>Verifies two directories or trees with every file in and below their checkpoint directories.</summary>
/// <param name="original">The first directory.</param>
/// <param name="upgraded">The second directory.</param>
/// <param name="options">What the user says.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class TreeVerification(string original, string upgraded, VerificationOptions options, CancellationToken cancellation)
{
    private readonly PairVerification pairs = new(options, cancellation);
    private readonly DifferenceLog log = new();

    /// <summary>One report for each checkpoint of the first directory, and one for the directories themselves where there is something to tell of them.</summary>
    /// <exception cref="MigrationException">There is no checkpoint.</exception>
    public IReadOnlyList<VerificationReport> Run()
    {
        var directories = new WatchedFiles(options.Watching);
        var (first, second) = (TreeListing.Of(original, directories, cancellation), TreeListing.Of(upgraded, directories, cancellation));
        var before = new CheckpointFiles(first, options.Selection, cancellation);
        var after = second.Files.Where(name => before.Names.Contains(name) || before.DirectoryOf(name) is not null).ToHashSet(StringComparer.Ordinal);
        var reports = new List<(string Directory, VerificationReport Report)>();
        var proofs = new Dictionary<string, DirectoryProofs>(StringComparer.Ordinal);

        // The source's own checksums give way to those of the tree.
        var hasRecord = RecordNames.AreIn(upgraded);
        var names = before.Names.Union(after).Where(name => !(hasRecord && name == RecordNames.Checksums)).Order(StringComparer.Ordinal);
        foreach (var folder in names.GroupBy(name => Path.GetDirectoryName(name)!))
        {
            var watched = new WatchedFiles(options.Watching);
            watched.Note([.. folder.SelectMany(name => new[] { Path.Combine(original, name), Path.Combine(upgraded, name) })]);
            var gone = folder.Where(name => before.DirectoryOf(name) is { } directory && !Directory.Exists(Path.Combine(upgraded, directory))).ToList();
            var found = gone.Where(before.IsCheckpoint).Select(name => pairs.NothingToDo(Path.Combine(original, name), Path.Combine(upgraded, name))).ToList();
            var checkpoints = folder.Except(gone).Where(name => before.IsCheckpoint(name) && after.Contains(ResultOf(name))).ToList();
            found.AddRange(Checkpoints(folder.Key, checkpoints));
            foreach (var name in folder.Except(gone).Except(checkpoints).Except(checkpoints.Select(ResultOf)))
            {
                var owner = before.DirectoryOf(name)!;
                var beside = proofs.TryGetValue(owner, out var known) ? known : proofs[owner] = new DirectoryProofs();
                new DirectoryComparison(original, upgraded, found, log, beside, cancellation).Compare(name, before.Names.Contains(name), after.Contains(name));
            }

            reports.AddRange(watched.Hold(found, change => pairs.Refused(Path.Combine(original, folder.Key), Path.Combine(upgraded, folder.Key), change))
                .Select(report => (folder.Key, report)));
        }

        var strangers = new ProofLog();
        new StrangerComparison(first, second, before, options.Selection, IsTold, log, strangers, cancellation).Compare();
        var all = reports.Select(item => proofs.TryGetValue(item.Directory, out var beside) ? beside.AddedTo(item.Report) : item.Report)
            .Concat(before.Distributed.Select(found =>
                pairs.Refused(Path.Combine(original, found.Folder), Path.Combine(upgraded, found.Folder), found.Refusal)))
            .ToList();
        if (all.Select(report => report.Change).OfType<VerifiedChange>().Distinct().Count() > 1)
        {
            log.Add("direction", "some checkpoints were upgraded and others downgraded; --direction says what is meant");
        }

        var isChecked = all.Count > 0;
        if (log.Count + strangers.Covered.Count + strangers.LeftOut.Count > 0)
        {
            all.Add(strangers.AddedTo(new VerificationReport
            {
                Original = original,
                Upgraded = upgraded,
                Mode = options.Mode,
                IsOfTree = true,
                Differences = log.First,
                DifferenceCount = log.Count,
            }));
        }

        return isChecked || log.Count > 0
            ? directories.Hold(all, change => pairs.Refused(original, upgraded, change))
            : throw new MigrationException(FailureKind.Malformed, "no checkpoint in this directory or below it", original);

        bool IsTold(string path) =>
            log.First.Any(difference => difference.Place == $"file '{path}'")
            || reports.Exists(item => !item.Report.IsVerified && item.Report.Upgraded == Path.Combine(upgraded, path));
    }

    /// <summary>The file that a checkpoint became: a merged model has the name that all of LitGPT's have.</summary>
    private string ResultOf(string name) => options.Merge is null ? name : Path.Combine(Path.GetDirectoryName(name)!, LoraBase.FileName);

    /// <summary>A checkpoint's report, which tells where the second one is a link.</summary>
    private VerificationReport Linked(VerificationReport report)
    {
        if (report.Error is not null || !FileComparison.IsLinkForFile(report.Original, report.Upgraded))
        {
            return report;
        }

        var proofs = new ProofLog();
        proofs.LinkForFile(Path.GetRelativePath(upgraded, report.Upgraded));
        return proofs.AddedTo(report);
    }

    /// <summary>The checkpoints of one folder; several may be the shards of one model.</summary>
    private List<VerificationReport> Checkpoints(string folder, IEnumerable<string> names)
    {
        var (before, after) = (Path.Combine(original, folder), Path.Combine(upgraded, folder));
        var files = names.Select(name => Path.GetFileName(name)!).ToList();
        if (files.Count == 0)
        {
            return [];
        }

        try
        {
            var shards = new ModelShards(before);
            return files.ConvertAll(file => Linked(pairs.Run(Path.Combine(before, file), Path.Combine(after, ResultOf(file)), shards.Beside(file))));
        }
        catch (MigrationException unfit)
        {
            return [pairs.Refused(before, after, unfit)];
        }
    }
}
