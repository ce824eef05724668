using QkvMigrate.Files;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// The keeper of one unit's <see cref="ManifestEntry"/> while the unit is written: an entry of an earlier run becomes <c>Writing</c> before the
/// first byte, the digest of every new file is on the disk before the first of them gets its name, <c>Finished</c> comes after the last.
/// Whenever a run is killed, the entry says whether the output is whole, and which of its files are this tool's. docs/durability.md has the
/// order of its writes and syncs.
/// </summary>
internal sealed class UnitJournal : IDisposable
{
    private readonly OutputAccount account;
    private readonly CheckpointUnit unit;
    private readonly string output;
    private readonly MigrationRequest request;
    private readonly ManifestEntry? before;
    private readonly ManifestEntry writing;
    private readonly StandingResults standing;
    private IReadOnlyList<ResultFile> result = [];
    private IReadOnlyList<string> removed = [];
    private DurableFile? finishing;
    private DurableFile? reporting;
    private IReadOnlyList<CheckpointReport> reported = [];
    private bool hasBegun;
    private bool isCommitting;

    private UnitJournal(
        OutputAccount account,
        CheckpointUnit unit,
        string output,
        MigrationRequest request,
        ManifestEntry? before,
        ManifestEntry wanted,
        CancellationToken cancellation)
    {
        this.account = account;
        this.unit = unit;
        this.output = output;
        this.request = request;
        this.before = before;
        writing = wanted with { Replaced = before is null ? null : [.. before.Known().Distinct()] };
        standing = new StandingResults(before, unit, output, cancellation);
        Earlier = new EarlierResults(standing, request.Force);
    }

    /// <summary>Looks at what <paramref name="unit"/> is now, and at what stands of its results.</summary>
    /// <param name="account">The account.</param>
    /// <param name="known">What is known of the unit.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="output">Its output.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">A file cannot be read.</exception>
    public static UnitJournal Open(
        OutputAccount account,
        ManifestEntry? known,
        CheckpointUnit unit,
        string output,
        MigrationRequest request,
        CancellationToken cancellation)
    {
        var options = ResultOptions.Of(request, cancellation);
        var source = SourceStamp.Of(unit, request, cancellation);
        var wanted = new ManifestEntry(RecordDocument.SchemaVersion, unit.RelativePath, ManifestState.Writing, options, source, []);
        return new UnitJournal(account, unit, output, request, known, wanted, cancellation);
    }

    /// <summary>Whether the unit's directory is made at the start, because other units are written below it.</summary>
    public bool NeedsFolder => unit.UnitsBelow.Count > 0;

    /// <summary>What may be done to the results of earlier runs.</summary>
    public EarlierResults Earlier { get; }

    /// <summary>Reports of the results whose checkpoint is gone from the source, and that stay.</summary>
    public IEnumerable<CheckpointReport> OrphanReports => standing.Orphans.Select(orphan => orphan.Report(unit.Root, output, isLetGo: request.Force));

    /// <summary>The reports as they are written down with the result; null where there is none, and nobody has written any.</summary>
    public IReadOnlyList<CheckpointReport>? Recorded { get; private set; }

    /// <summary>The unit as an earlier run finished it; null where there is something to do.</summary>
    public FinishedUnit? FindFinished() => FinishedUnit.Find(account, unit, request, before, writing, standing);

    /// <summary>
    /// Records that the results of an earlier run are made anew. Where there is none, nothing is recorded yet: until the new files get their names,
    /// nothing in the output is this tool's but a temporary folder, which the next run removes. It does so too where a power cut takes the record back.
    /// </summary>
    public void Begin()
    {
        if (before is null)
        {
            return;
        }

        hasBegun = true;
        using var entry = account.Entries.Begin(writing);
        entry.CommitName();
    }

    /// <summary>
    /// Takes the digests of what was written, by reading it back, where no verification has done so: the copies are made inside
    /// the kernel and by several threads, so nobody has seen the bytes pass, and what is read back is what the file really holds.
    /// From here on all of it is on the disk: the files may get their names, and what the source no longer makes goes.
    /// </summary>
    /// <param name="folder">Where the files are until they get their name.</param>
    /// <param name="files">The files, relative to it.</param>
    /// <param name="links">The links.</param>
    /// <param name="sources">The checkpoint that a file is the result of, by the file's name.</param>
    /// <param name="digests">The digests that are known, by the file's name.</param>
    /// <param name="cancellation">Ends the work.</param>
    public void Digest(
        DurableFolder folder,
        IEnumerable<string> files,
        IEnumerable<KeptLink> links,
        IReadOnlyDictionary<string, string> sources,
        IReadOnlyDictionary<string, string> digests,
        CancellationToken cancellation)
    {
        List<ResultFile> written =
        [
            .. files.Select(file =>
            {
                var path = Path.Combine(folder.WritePath, file);
                var digest = digests.GetValueOrDefault(file) ?? FileDigest.Whole(path, cancellation);
                return new ResultFile(file, new FileInfo(path).Length, digest, sources.GetValueOrDefault(file));
            }),
            .. links.Select(ResultFile.Of),
        ];
        result = [.. written.Concat(Earlier.KeptBeside(written.Select(file => file.Path))).OrderBy(file => file.Path, StringComparer.Ordinal)];
        hasBegun = true;
        using (var entry = account.Entries.Begin(writing with { Result = result }))
        {
            folder.Settle();
            entry.Commit();
        }

        isCommitting = true;
        if (before is not null)
        {
            account.Checksums.Withdraw();
        }

        // Before the others get their names: a file can stand where a folder is to be now, or the other way round.
        removed = Earlier.RemoveStale(result.Select(file => file.Path));
    }

    /// <summary>Begins to write what <see cref="Finish"/> records, while the disk takes the names of the result.</summary>
    /// <param name="reports">The reports of the unit's checkpoints.</param>
    public void PrepareFinish(IReadOnlyList<CheckpointReport> reports)
    {
        var source = SourceStamp.InOrder(writing.Source.Concat(KeptSource()));
        finishing = account.Entries.Begin(writing with { State = ManifestState.Finished, Source = source, Result = result, Replaced = LeftToOthers() });
        reported = Complete(reports);
        reporting = new UnitReports(account, unit).Begin(reported);
    }

    /// <summary>
    /// All of the result is on the disk under its name: the account is whole. The disk has the names of its records when the whole account ends: until
    /// then a power cut may take them back, and the next run makes the unit again.
    /// </summary>
    public void Finish()
    {
        hasBegun = false;
        finishing!.CommitName();
        reporting!.CommitName();
        Recorded = reported;
    }

    /// <summary>The source has nothing to do, or no longer has: what earlier runs made of it goes.</summary>
    /// <exception cref="MigrationException">One of them was changed since.</exception>
    public void Retire()
    {
        Earlier.CheckStale([]);
        if (request.DryRun)
        {
            return;
        }

        standing.SweepLeftovers();
        if (before is null)
        {
            return;
        }

        var kept = Earlier.KeptBeside([]);
        var others = LeftToOthers();
        if (before is { State: ManifestState.Finished, Replaced: null } && kept.Count > 0 && kept.SequenceEqual(before.Results()))
        {
            return;
        }

        account.Checksums.Withdraw();
        account.Entries.Write(writing with { Source = [], Result = kept });
        removed = Earlier.RemoveStale([]);
        if (kept.Count == 0 && others is null)
        {
            account.Entries.Remove(unit.RelativePath);
        }
        else
        {
            result = kept;
            account.Entries.Write(writing with { State = ManifestState.Finished, Source = KeptSource(), Result = kept, Replaced = others });
        }
    }

    /// <summary>Ends the unit's turn. Where the writing was begun in vain, the output is what it was before, and the entry becomes so too.</summary>
    public void End()
    {
        if (!hasBegun || isCommitting)
        {
            return;
        }

        if (before is null)
        {
            account.Entries.Remove(unit.RelativePath);
        }
        else
        {
            account.Entries.Write(before);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        finishing?.Dispose();
        reporting?.Dispose();
    }

    /// <summary>The reports of the unit's checkpoints, with what is known here: digests of what was written, what was removed, what is orphaned.</summary>
    public IReadOnlyList<CheckpointReport> Complete(IReadOnlyList<CheckpointReport> reports)
    {
        var known = reports.Select(report => UnitReports.WithDigest(report, result)).ToList();
        return [.. known.Take(1).Select(first => UnitReports.WithRemovals(first, removed)), .. known.Skip(1), .. OrphanReports];
    }

    /// <summary>What stands in folders of units below, until it is handed over; null where nothing does.</summary>
    private IReadOnlyList<ResultFile>? LeftToOthers() => standing.OfUnitsBelow() is { Count: > 0 } files ? files : null;

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
}
