using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>The work on one path that a user named: a checkpoint file, a directory with checkpoints, or a tree of such directories.</summary>
internal sealed class PathWork
{
    private readonly MigrationRequest request;
    private readonly string root;
    private readonly OutputRecord? record;
    private readonly TreeRecord? tree;
    private readonly HashSet<string> folders = [];
    private readonly TreeAccount? account;
    private readonly CheckpointSelection selection = CheckpointSelection.All;
    private readonly bool isTree;
    private PartsAccount? parts;

    private PathWork(MigrationRequest request, string root, CheckpointTree found, CheckpointSelection selection)
    {
        this.request = request;
        this.root = root;
        Folders = found.Folders;
        Checkpoints = found.Units.SelectMany(unit => unit.Checkpoints.Select(name => System.IO.Path.Combine(unit.Root, name)));
        Source = FilePlace.Of(request.Path);
        Output = request.InPlace ? null : FilePlace.Of(root);
        this.selection = selection;
        isTree = true;

        // A directory that is itself the unit gets its name when all of it is there: that is record enough. In place,
        // the files themselves say which of them are done.
        var output = new OutputRecord(root);
        record = !request.InPlace && (found.HasBranches || output.IsThere) ? output : null;
        IReadOnlyList<CheckpointUnit> units = record is null ? found.Units : [.. found.Units.Select(WithoutChecksums)];
        folders = Written(units).ToHashSet(StringComparer.Ordinal);
        Units = [.. units.Select(Unit), .. found.Unreadable.Select(Failure)];
        if (record is not null)
        {
            account = new TreeAccount(record, found, request);
            tree = new TreeRecord(
                RecordDocument.SchemaVersion,
                request.Path,
                [.. Units.Select((unit, i) => new TreeUnit(Relative(unit.Path), unit.Bytes, i < units.Count ? units[i].Checkpoints : null))],
                SourceRoot.Of(request.Path),
                request.Conversion);
        }
    }

    private PathWork(MigrationRequest request, BatchUnit file)
    {
        this.request = request;
        root = "";
        Units = [file];
        Checkpoints = [request.Path];
        Source = FilePlace.Of(request.Path);
        Output = request.InPlace ? null : FilePlace.OfName(FileMigration.OutputOf(request));
        Target = request.InPlace ? null : FilePlace.Of(FileMigration.OutputOf(request));
    }

    /// <summary>The path, as the user named it.</summary>
    public string Path => request.Path;

    /// <summary>Whether files are replaced and not written anew.</summary>
    public bool IsInPlace => request.InPlace;

    /// <summary>Whether the output matters: a check looks at the sources alone.</summary>
    public bool HasOutput => !(request.DryRun && request.Force);

    /// <summary>The directories that were entered to find the units; none where the path is a file.</summary>
    public IReadOnlySet<FileKey> Folders { get; } = new HashSet<FileKey>();

    /// <summary>The checkpoint files that are worked on.</summary>
    public IEnumerable<string> Checkpoints { get; }

    /// <summary>Where the path leads.</summary>
    public FilePlace Source { get; }

    /// <summary>Where the output's name is; null in place.</summary>
    public FilePlace? Output { get; }

    /// <summary>The file to which the output's name leads, where the path is a file; null in place.</summary>
    public FilePlace? Target { get; }

    /// <summary>The units, in an order that depends on their paths alone.</summary>
    public IReadOnlyList<BatchUnit> Units { get; }

    /// <summary>Finds what there is to do.</summary>
    /// <exception cref="MigrationException">The path as a whole is of no use, or the request makes no sense.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public static PathWork Find(MigrationRequest request, CheckpointSelection selection, CancellationToken cancellation)
    {
        if (request is { IsMerge: true, InPlace: true } or { IsMerge: true, Conversion.IsUpgrade: false })
        {
            throw new MigrationException(FailureKind.Usage, "a LoRA is merged by an upgrade, into a new file");
        }

        if (TemporaryName.Is(System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(request.Path))))
        {
            throw new MigrationException(FailureKind.Target, "a run of qkvmigrate writes this, or has left it, and the next takes it away; give it another name to work on it", request.Path);
        }

        if (request is { InPlace: true, Force: false } && OutputRecord.RootAbove(request.Path) is { } account)
        {
            throw new MigrationException(FailureKind.Target, $"this is a result in {account}, whose record and {RecordNames.Checksums} would not be true any more; -o puts the result elsewhere, --force goes on all the same", request.Path);
        }

        if (!Directory.Exists(request.Path))
        {
            var bytes = FileIdentity.Of(request.Path)?.Size ?? 0;

            // In place, its size changes under the parts that are dealt by it.
            return new PathWork(request, new BatchUnit(request.Path, bytes, token => [FileMigration.Run(request, token)]) { Weight = request.InPlace ? 1 : bytes });
        }

        var found = CheckpointTree.Find(request.Path, selection, cancellation);
        var output = request.Output ?? $"{System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(request.Path))}{request.Suffix}";
        var work = new PathWork(request, output, found, selection);
        return work.Output is not { } place ? work
            : place.IsWithin(found.Folders) ? throw new MigrationException(FailureKind.Target, "the output lies within the source", output)
            : work.Source.IsWithin(place) ? throw new MigrationException(FailureKind.Target, "the source lies within the output", output)
            : work;
    }

    /// <summary>Whether its units are dealt by an account of its own, and not together with those of other paths.</summary>
    public bool DealsItself => request.InPlace && isTree;

    /// <summary>The units of one part.</summary>
    /// <param name="shard">The part.</param>
    /// <param name="isOneOfMany">Whether other paths are dealt by accounts of their own too.</param>
    /// <exception cref="MigrationException">The account of the parts cannot be read or written.</exception>
    public IEnumerable<BatchUnit> Deal(Shard shard, bool isOneOfMany)
    {
        parts = new PartsAccount(request, selection, shard, isOneOfMany);
        var own = parts.Deal([.. Units.Select(unit => new TreeUnit(Relative(unit.Path), unit.Bytes))]);
        return Units.Where(unit => own.Contains(Relative(unit.Path)));
    }

    /// <summary>Called after the last unit of a part: reports of what parts have not done whose turn is over.</summary>
    /// <param name="done">Its units that were done.</param>
    /// <param name="isWhole">Whether all of them had their turn.</param>
    /// <exception cref="MigrationException">The account of the parts cannot be read or written.</exception>
    public IReadOnlyList<CheckpointReport> EndPart(IEnumerable<BatchUnit> done, bool isWhole) => parts is null ? [] :
    [
        .. parts.End(done.Select(unit => Relative(unit.Path)).ToHashSet(StringComparer.Ordinal), isWhole).Select(unit => CheckpointReport.Of(
            System.IO.Path.Combine(request.Path, unit.Path),
            new MigrationException(FailureKind.Conflict, $"part {unit.Part} has not done this; run that part again", System.IO.Path.Combine(request.Path, unit.Path)))),
    ];

    /// <summary>Called before the first unit.</summary>
    /// <exception cref="MigrationException">The output is another's, or cannot be written.</exception>
    public void Begin(CancellationToken cancellation)
    {
        if (request.DryRun)
        {
            _ = record is null ? null : account!.Add(record.TryReadTree(), tree!, cancellation);
        }
        else
        {
            record?.Begin(known => account!.Add(known, tree!, cancellation));
        }
    }

    /// <summary>Called after the last: reports of results whose source is gone as a whole.</summary>
    /// <exception cref="MigrationException">The output cannot be written.</exception>
    public IReadOnlyList<CheckpointReport> End(CancellationToken cancellation)
    {
        if (request.DryRun)
        {
            return [];
        }

        var reports = record is null ? [] : EndRecorded(record, cancellation);

        // What is finished is not opened again, and what a killed run has left beside it would stay.
        foreach (var folder in folders)
        {
            TargetLock.SweepFolder(folder);
        }

        return reports;
    }

    private List<CheckpointReport> EndRecorded(OutputRecord record, CancellationToken cancellation)
    {
        var vanished = account!.Vanished();
        List<CheckpointReport> reports = [.. vanished.SelectMany(unit => RunVanished(record, unit, cancellation))];
        if (vanished.Any(unit => !record.HasEntry(unit)))
        {
            Begin(cancellation);
        }

        record.WriteChecksums();
        return reports;
    }

    /// <summary>The folders in which a run may have been killed while it wrote.</summary>
    private IEnumerable<string> Written(IEnumerable<CheckpointUnit> units)
    {
        if (request.InPlace)
        {
            return units.SelectMany(unit => unit.Checkpoints.Select(file => System.IO.Path.GetDirectoryName(CheckpointWriting.FinalTarget(System.IO.Path.Combine(unit.Root, file)))!).Append(unit.Root));
        }

        var results = units.SelectMany(unit => unit.OtherFiles.Append("file").Select(file => System.IO.Path.GetDirectoryName(System.IO.Path.Combine(unit.RelativePath, file))!)).Distinct(StringComparer.Ordinal);
        return results.SelectMany(Above).Select(folder => System.IO.Path.Combine(root, folder))
            .Concat(record?.Folders ?? [])
            .Append(System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(root))) ?? root);
    }

    private static IEnumerable<string> Above(string folder)
    {
        for (; folder.Length > 0; folder = System.IO.Path.GetDirectoryName(folder)!)
        {
            yield return folder;
        }

        yield return "";
    }

    /// <summary>The checksums of the whole tree have this name, and those of old files would not be true of new ones.</summary>
    private static CheckpointUnit WithoutChecksums(CheckpointUnit unit) =>
        unit.RelativePath.Length > 0 || !unit.OtherFiles.Contains(RecordNames.Checksums) ? unit : unit with
        {
            OtherFiles = [.. unit.OtherFiles.Where(file => file != RecordNames.Checksums)],
            LeftBehind = [.. unit.LeftBehind, new Advice("checksums-replaced", $"the source's own {RecordNames.Checksums} stays behind: in the output it is that of the new files")],
        };

    private BatchUnit Unit(CheckpointUnit unit) => new(unit.Root, unit.CountBytes(), cancellation =>
    {
        var output = request.InPlace ? unit.Root : System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.Combine(root, unit.RelativePath));
        return record is null ? DirectoryMigration.Run(unit, output, request, null, cancellation) : RunRecorded(record, unit, output, cancellation);
    });

    private IReadOnlyList<CheckpointReport> RunRecorded(OutputRecord record, CheckpointUnit unit, string output, CancellationToken cancellation)
    {
        TargetLock? turn;
        try
        {
            turn = request.DryRun ? null : record.TakeTurn(unit.RelativePath, output);
        }
        catch (MigrationException error)
        {
            // Nothing is written down: what becomes of the unit is known to who has its turn.
            return Failed(unit, error);
        }

        using (turn)
        {
            try
            {
                return RunInTurn(record, unit, output, cancellation);
            }
            catch (MigrationException error)
            {
                return Reported(record, unit, Failed(unit, error));
            }
            catch (OperationCanceledException)
            {
                return [];
            }
        }
    }

    private IReadOnlyList<CheckpointReport> RunInTurn(OutputRecord record, CheckpointUnit unit, string output, CancellationToken cancellation)
    {
        var journal = UnitJournal.Open(record, unit, output, request, cancellation);
        if (!request.Force && journal.IsFinished())
        {
            return Finished(record, unit, output, journal);
        }

        var reports = DirectoryMigration.Run(unit, output, request, journal, cancellation);
        journal.End();
        return Reported(record, unit, [.. reports.Select(journal.WithDigest).Select((report, i) => i == 0 ? WithRemovals(report, journal) : report), .. Orphans(unit, output, journal)]);
    }

    private static CheckpointReport WithRemovals(CheckpointReport report, UnitJournal journal) => journal.Removed.Count == 0
        ? report
        : report with { Advice = [.. report.Advice, new Advice("result-removed", $"the source no longer makes what an earlier run wrote, so it was removed: {string.Join(", ", journal.Removed)}")] };

    /// <summary>A unit that is finished keeps the report of its making; where a run was killed before it wrote that, it gets one.</summary>
    private IReadOnlyList<CheckpointReport> Finished(OutputRecord record, CheckpointUnit unit, string output, UnitJournal journal)
    {
        IReadOnlyList<CheckpointReport> reports = [.. journal.Finished(), .. Orphans(unit, output, journal)];
        if (request.DryRun)
        {
            return reports;
        }

        journal.Tidy();
        var told = record.ReadReport(unit.RelativePath)?.Checkpoints.Where(checkpoint => checkpoint.Error is null).Select(checkpoint => checkpoint.Path) ?? [];
        var isTold = reports.Select(report => report.Path).Except(told, StringComparer.Ordinal).Any();
        return isTold ? Reported(record, unit, reports) : reports;
    }

    /// <summary>Results whose checkpoint is gone stay: they may be the last that there is of it.</summary>
    private IEnumerable<CheckpointReport> Orphans(CheckpointUnit unit, string output, UnitJournal journal) =>
        journal.Orphans.Select(file => Orphan(System.IO.Path.Combine(unit.Root, file.Source!), System.IO.Path.Combine(output, file.Path)));

    private CheckpointReport Orphan(string source, string output) => request.Force
        ? new CheckpointReport
        {
            Path = source,
            Status = CheckpointStatus.Unchanged,
            Output = output,
            Advice = [new Advice("result-let-go", "its source is gone and --force was given: the result stays, and belongs to the account no more")],
        }
        : CheckpointReport.Of(source, UnitAccount.Orphaned(output));

    /// <summary>What is left of a unit that the source no longer has.</summary>
    private IReadOnlyList<CheckpointReport> RunVanished(OutputRecord record, string unit, CancellationToken cancellation)
    {
        try
        {
            var output = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.Combine(root, unit));
            using var turn = record.TakeTurn(unit, output);
            TargetLock.SweepLeftovers(output);
            var results = record.ReadEntry(unit)?.Known().Where(file => file.Source is not null && System.IO.Path.Exists(System.IO.Path.Combine(root, unit, file.Path))).DistinctBy(file => file.Path).ToList() ?? [];
            if (results.Count == 0)
            {
                RemoveCompanions(record, unit, output, cancellation);
            }

            if (results.Count == 0 || request.Force)
            {
                record.Forget(unit);
            }

            var selected = selection.Of(results.Select(file => System.IO.Path.Combine(unit, file.Source!)));
            IReadOnlyList<CheckpointReport> reports =
            [
                .. results.Where(file => selected.Contains(System.IO.Path.Combine(unit, file.Source!)))
                    .Select(file => Orphan(System.IO.Path.Combine(request.Path, unit, file.Source!), System.IO.Path.Combine(root, unit, file.Path))),
            ];
            return reports;
        }
        catch (MigrationException error)
        {
            return [CheckpointReport.Of(System.IO.Path.Combine(request.Path, unit), error)];
        }
    }

    /// <summary>What came along with checkpoints of which nothing is left goes, where it is as it was written and no unit above has it now.</summary>
    private void RemoveCompanions(OutputRecord record, string unit, string output, CancellationToken cancellation)
    {
        if (record.ReadEntry(unit) is not { } entry)
        {
            return;
        }

        var standing = new StandingResults(entry, new CheckpointUnit(System.IO.Path.Combine(request.Path, unit), unit, [], []), output, cancellation);
        var others = unit.Length == 0 ? [] : Above(System.IO.Path.GetDirectoryName(unit)!)
            .SelectMany(above => record.ReadEntry(above)?.Known().Select(file => System.IO.Path.Combine(above, file.Path)) ?? [])
            .ToHashSet(StringComparer.Ordinal);
        foreach (var file in standing.StaleBeside([]).Where(file => standing.IsAsWritten(file) && !others.Contains(System.IO.Path.Combine(unit, file))))
        {
            record.WithdrawChecksums();
            standing.Remove(file);
        }
    }

    private static IReadOnlyList<CheckpointReport> Failed(CheckpointUnit unit, MigrationException error) =>
        [.. unit.Checkpoints.Select(name => CheckpointReport.Of(System.IO.Path.Combine(unit.Root, name), error))];

    private BatchUnit Failure(MigrationException error) => new(error.File!, 0, _ =>
    {
        IReadOnlyList<CheckpointReport> reports = [CheckpointReport.Of(error.File!, error)];
        if (record is not null && !request.DryRun)
        {
            record.WriteReport(UnitRecord.Of(Relative(error.File!), reports));
        }

        return reports;
    });

    /// <summary>Writes down what became of a unit, beside what is known of the checkpoints that this run leaves out.</summary>
    private IReadOnlyList<CheckpointReport> Reported(OutputRecord record, CheckpointUnit unit, IReadOnlyList<CheckpointReport> reports)
    {
        if (!request.DryRun)
        {
            var leftOut = unit.LeftOut.ToHashSet(StringComparer.Ordinal);
            var others = leftOut.Count == 0 ? [] : record.ReadReport(unit.RelativePath)?.Checkpoints.Where(checkpoint => leftOut.Contains(System.IO.Path.GetFileName(checkpoint.Path))) ?? [];
            var own = UnitRecord.Of(unit.RelativePath, reports);
            record.WriteReport(own with { Checkpoints = [.. own.Checkpoints.Concat(others).OrderBy(checkpoint => checkpoint.Path, StringComparer.Ordinal)] });
        }

        return reports;
    }

    private string Relative(string path)
    {
        var relative = System.IO.Path.GetRelativePath(request.Path, path);
        return relative == "." ? "" : relative;
    }
}
