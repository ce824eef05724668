using QkvMigrate.Files;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// Keeps the manifest's entry of one unit true while the unit is written: <c>Writing</c> is on the disk before the first
/// byte, the digest of every new file before the first of them gets its name, <c>Finished</c> after the last. Whenever
/// a run is killed, the entry says whether the output is whole, and which of its files are this tool's.
/// </summary>
internal sealed class UnitJournal
{
    private readonly OutputRecord record;
    private readonly CheckpointUnit unit;
    private readonly MigrationRequest request;
    private readonly ManifestEntry? before;
    private readonly ManifestEntry writing;
    private readonly StandingResults standing;
    private IReadOnlyList<ResultFile> result = [];
    private bool hasBegun;
    private bool isCommitting;

    private UnitJournal(OutputRecord record, CheckpointUnit unit, string output, MigrationRequest request, ManifestEntry? before, ManifestEntry writing, CancellationToken cancellation)
    {
        this.record = record;
        this.unit = unit;
        this.request = request;
        this.before = before;
        standing = new StandingResults(before, unit, output, cancellation);
        this.writing = writing with { Replaced = before is null ? null : [.. before.Known().Distinct()] };
    }

    /// <summary>Reads what is known of <paramref name="unit"/>, and what it is now.</summary>
    /// <exception cref="MigrationException">A file cannot be read.</exception>
    public static UnitJournal Open(OutputRecord record, CheckpointUnit unit, string output, MigrationRequest request, CancellationToken cancellation) => new(
        record,
        unit,
        output,
        request,
        record.ReadEntry(unit.RelativePath),
        new ManifestEntry(
            RecordDocument.SchemaVersion,
            unit.RelativePath,
            ManifestState.Writing,
            ResultOptions.Of(request, cancellation),
            SourceStamp.Of(unit, request, cancellation),
            []),
        cancellation);

    /// <summary>Whether the unit's directory has to be there from the start, because other units are written below it.</summary>
    public bool NeedsFolder => unit.HasUnitsBelow;

    /// <summary>The files that were taken away because the source no longer makes them.</summary>
    public IReadOnlyList<string> Removed { get; private set; } = [];

    /// <summary>The results whose checkpoint is gone from the source, and that stay.</summary>
    public IReadOnlyList<ResultFile> Orphans => standing.Orphans;

    /// <summary>Whether the result is there, made from the same source with the same options. What a narrower run leaves out is not asked for.</summary>
    public bool IsFinished()
    {
        if (before is not { State: ManifestState.Finished } || !before.Options.Satisfies(writing.Options))
        {
            return false;
        }

        var known = before.Source.ToHashSet();
        var wanted = writing.Source.ToHashSet();
        var leftOut = unit.LeftOut.ToHashSet(StringComparer.Ordinal);
        return known.IsSupersetOf(wanted)
            && known.All(stamp => wanted.Contains(stamp) || leftOut.Contains(stamp.Path) || (stamp.Header is not null && !standing.HasSource(stamp.Path)))
            && HasLinks(before.Results())
            && before.Results().All(file => standing.HasSize(file) || standing.IsLeftOut(file) || (file.Source is { } checkpoint && !standing.HasSource(checkpoint)));
    }

    /// <summary>Whether the source has the links that came along, and no others.</summary>
    private bool HasLinks(IEnumerable<ResultFile> results)
    {
        var known = results.Where(file => file.Link is not null).ToList();
        var wanted = unit.LinksFor(request.IsMerge).Select(ResultFile.Of).ToHashSet();
        return wanted.IsSubsetOf(known) && known.TrueForAll(link => wanted.Contains(link) || standing.IsLeftOut(link));
    }

    /// <summary>Whether a result may be put where <paramref name="file"/> is, a path in the unit's directory: nothing is there, or what this tool wrote.</summary>
    /// <exception cref="MigrationException">What this tool wrote there was changed since.</exception>
    public bool MayReplace(string file) =>
        request.Force || !standing.IsKnown(file) || standing.IsAsWritten(file) || standing.IsGone(file)
            ? request.Force || standing.IsAsWritten(file)
            : throw new MigrationException(FailureKind.Target, "this is to be made again, but was changed since it was made; --force replaces it", standing.PathOf(file));

    /// <summary>Whether a link may be put where <paramref name="link"/> is: nothing is there, the same link, or what this tool made.</summary>
    /// <exception cref="MigrationException">What this tool made there was changed since, or is of a checkpoint that is gone.</exception>
    public bool MayPut(KeptLink link) =>
        standing.IsGone(link.Path) || standing.HasLink(link.Path, link.Text)
        || (standing.IsOrphan(link.Path) && !request.Force ? throw UnitAccount.Orphaned(standing.PathOf(link.Path)) : MayReplace(link.Path));

    /// <summary>Whether nothing stands at a path in the unit's directory but results that the source no longer makes.</summary>
    /// <param name="path">The path, that of a file or of a folder.</param>
    /// <param name="results">What the source makes now.</param>
    public bool Clears(string path, IEnumerable<string> results)
    {
        var stale = standing.StaleBeside(results).ToHashSet(StringComparer.Ordinal);
        return IsStale(path);

        bool IsStale(string path) => FileIdentity.OfLink(standing.PathOf(path)) is not { IsDirectory: true }
            ? stale.Contains(path)
            : new DirectoryInfo(standing.PathOf(path)).EnumerateFileSystemInfos().All(entry => IsStale(Path.Combine(path, entry.Name)));
    }

    /// <summary>Refuses to take away results that the source no longer makes, where somebody has worked on them.</summary>
    /// <param name="results">What the source makes now.</param>
    /// <exception cref="MigrationException">One was changed.</exception>
    public void CheckStale(IEnumerable<string> results)
    {
        if (!request.Force && standing.StaleBeside(results).FirstOrDefault(file => !standing.IsAsWritten(file)) is { } changed)
        {
            throw new MigrationException(FailureKind.Target, "the source no longer makes this, but it was changed since it was made; --force removes it", standing.PathOf(changed));
        }
    }

    /// <summary>The writing begins.</summary>
    public void Begin()
    {
        hasBegun = true;
        record.WriteEntry(writing);
    }

    /// <summary>
    /// Takes the digests of what was written, by reading it back: the copies are made inside the kernel and by several
    /// threads, so nobody has seen the bytes pass, and what is read back is what the file really holds. From here on
    /// the files may get their names, and what the source no longer makes goes.
    /// </summary>
    /// <param name="folder">Where the files are until they get their name.</param>
    /// <param name="files">The files, relative to it.</param>
    /// <param name="links">The links.</param>
    /// <param name="cancellation">Ends the work.</param>
    public void Digest(string folder, IEnumerable<string> files, IEnumerable<KeptLink> links, CancellationToken cancellation)
    {
        var sources = unit.Checkpoints.GroupBy(request.ResultName, StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First(), StringComparer.Ordinal);
        List<ResultFile> written =
        [
            .. files.Select(file =>
            {
                var path = Path.Combine(folder, file);
                return new ResultFile(file, new FileInfo(path).Length, FileDigest.Whole(path, cancellation), sources.GetValueOrDefault(file));
            }),
            .. links.Select(ResultFile.Of),
        ];
        result = [.. written.Concat(Kept(written.Select(file => file.Path))).OrderBy(file => file.Path, StringComparer.Ordinal)];
        record.WriteEntry(writing with { Result = result });
        isCommitting = true;
        if (before is not null)
        {
            record.WithdrawChecksums();
        }

        // Before the others get their names: a file can stand where a folder is to be now, or the other way round.
        RemoveStale(result.Select(file => file.Path));
    }

    /// <summary>All of the result is on the disk under its name: the account is whole.</summary>
    public void Finish()
    {
        hasBegun = false;
        record.WriteEntry(writing with { State = ManifestState.Finished, Source = SourceStamp.InOrder(writing.Source.Concat(KeptSource())), Result = result, Replaced = null });
    }

    /// <summary>The source has nothing to do, or no longer has: what earlier runs made of it goes.</summary>
    /// <exception cref="MigrationException">One of them was changed since.</exception>
    public void Retire()
    {
        CheckStale([]);
        if (request.DryRun)
        {
            return;
        }

        standing.SweepLeftovers();
        if (before is null)
        {
            return;
        }

        var kept = Kept([]);
        if (before.State == ManifestState.Finished && kept.Count > 0 && kept.SequenceEqual(before.Results()))
        {
            return;
        }

        record.WithdrawChecksums();
        record.WriteEntry(writing with { Source = [], Result = kept });
        RemoveStale([]);
        if (kept.Count == 0)
        {
            record.RemoveEntry(unit.RelativePath);
        }
        else
        {
            result = kept;
            record.WriteEntry(writing with { State = ManifestState.Finished, Source = KeptSource(), Result = kept, Replaced = null });
        }
    }

    /// <summary>The unit's turn is over. Where it was begun in vain, its output is what it was before, and so is its entry.</summary>
    public void End()
    {
        if (!hasBegun || isCommitting)
        {
            return;
        }

        if (before is null)
        {
            record.RemoveEntry(unit.RelativePath);
        }
        else
        {
            record.WriteEntry(before);
        }
    }

    /// <summary>Tidies up behind a unit that is finished: what a killed run has left goes, and the account lets go of a result whose checkpoint is gone and that the user took away.</summary>
    public void Tidy()
    {
        record.SweepLeftovers(unit.RelativePath);
        standing.SweepLeftovers();
        var lost = before!.Results().Where(file => file.Source is { } checkpoint && !standing.HasSource(checkpoint) && standing.IsGone(file.Path)).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        if (lost.Count == 0)
        {
            return;
        }

        var gone = before.Checkpoints().Where(stamp => lost.Contains(before.ResultName(stamp))).ToHashSet();
        record.WriteEntry(before with
        {
            SchemaVersion = RecordDocument.SchemaVersion,
            Source = [.. before.Source.Where(stamp => !gone.Contains(stamp))],
            Result = [.. before.Results().Where(file => !lost.Contains(file.Path))],
        });
    }

    /// <summary>The reports of a unit that is finished.</summary>
    public IReadOnlyList<CheckpointReport> Finished() =>
        [.. unit.Checkpoints.Select(name => WithDigest(new CheckpointReport
        {
            Path = Path.Combine(unit.Root, name),
            Status = CheckpointStatus.Skipped,
            Output = standing.PathOf(request.ResultName(name)),
            SourceBytes = writing.Source.First(stamp => stamp.Path == name).Bytes,
            Advice = [new Advice("finished-before", "an earlier run made this from the same source with the same options; --force does it again")],
        }, before!.Result))];

    /// <summary>A report with the digest of what was written.</summary>
    public CheckpointReport WithDigest(CheckpointReport report) => WithDigest(report, result);

    private static CheckpointReport WithDigest(CheckpointReport report, IReadOnlyList<ResultFile> files) =>
        report.Output is { } path && files.FirstOrDefault(file => file.Path == Path.GetFileName(path)) is { } written
            ? report with { OutputSha256 = written.Sha256, OutputBytes = written.Bytes }
            : report;

    /// <summary>With --force, the account lets go of results whose checkpoint is gone: they are the user's from then on.</summary>
    private IReadOnlyList<ResultFile> Kept(IEnumerable<string> results) =>
        request.Force ? [.. standing.KeptBeside(results).Where(file => file.Source is not { } checkpoint || standing.HasSource(checkpoint))] : standing.KeptBeside(results);

    /// <summary>The stamps of the checkpoints that this run leaves out, where what was made of them is as good as what it asks for.</summary>
    private IReadOnlyList<SourceStamp> KeptSource()
    {
        if (before is not { State: ManifestState.Finished } || !before.Options.Satisfies(writing.Options))
        {
            return [];
        }

        var kept = result.Select(file => file.Source).OfType<string>().Intersect(unit.LeftOut, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        return [.. before.Checkpoints().Where(stamp => kept.Contains(stamp.Path))];
    }

    private void RemoveStale(IEnumerable<string> results)
    {
        Removed = standing.StaleBeside(results);
        foreach (var file in Removed)
        {
            standing.Remove(file);
        }
    }
}
