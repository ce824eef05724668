using QkvMigrate.Running.Exports;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>A unit of a tree whose output has an account. One run at a time works on it and records what became of it.</summary>
/// <param name="account">The account.</param>
/// <param name="unit">The unit.</param>
/// <param name="output">Its output.</param>
/// <param name="handover">What changed hands between units, which a dry run only foresees.</param>
/// <param name="request">What the user asks.</param>
internal sealed class UnitInTree(OutputAccount account, CheckpointUnit unit, string output, Handover handover, MigrationRequest request)
{
    /// <summary>Does the work, where no earlier run has: a report for each checkpoint.</summary>
    public IReadOnlyList<CheckpointReport> Run(CancellationToken cancellation)
    {
        TargetLock? turn;
        try
        {
            turn = request.DryRun ? null : account.TakeTurn(unit.RelativePath, output);
        }
        catch (MigrationException error)
        {
            // Nothing is written down: what becomes of the unit is known to who has its turn.
            return Failed(error);
        }

        using (turn)
        {
            try
            {
                return RunInTurn(cancellation);
            }
            catch (MigrationException error)
            {
                return RecordReports(null, Failed(error));
            }
            catch (OperationCanceledException)
            {
                return [];
            }
        }
    }

    private IReadOnlyList<CheckpointReport> RunInTurn(CancellationToken cancellation)
    {
        var known = request.DryRun ? handover.EntryOf(unit.RelativePath) : account.Entries.Read(unit.RelativePath);
        using var journal = UnitJournal.Open(account, known, unit, output, request, cancellation);
        if (!request.Force && journal.FindFinished() is { } finished)
        {
            return AlreadyFinished(finished, journal);
        }

        var work = request.Export is null
            ? DirectoryMigration.Run(unit, output, request, journal, cancellation)
            : new ModelExport(unit, output, request, journal, cancellation).Run();
        var reports = work.Select(journal.WithDigest).ToList();
        journal.End();
        return RecordReports(journal, [.. reports.Take(1).Select(first => WithRemovals(first, journal)), .. reports.Skip(1), .. Orphans(journal)]);
    }

    private static CheckpointReport WithRemovals(CheckpointReport report, UnitJournal journal)
    {
        if (journal.Removed.Count == 0)
        {
            return report;
        }

        var message = $"the source no longer makes what an earlier run wrote, so it was removed: {string.Join(", ", journal.Removed)}";
        return report with { Advice = [.. report.Advice, new Advice("result-removed", message)] };
    }

    /// <summary>A unit that is finished keeps the report of its making. Where a run was killed before it wrote that, it gets one.</summary>
    private IReadOnlyList<CheckpointReport> AlreadyFinished(FinishedUnit finished, UnitJournal journal)
    {
        IReadOnlyList<CheckpointReport> reports = [.. finished.Reports(), .. Orphans(journal)];
        if (request.DryRun)
        {
            return reports;
        }

        finished.Tidy();
        var told = KnownReports().Where(checkpoint => checkpoint.Error is null).Select(checkpoint => checkpoint.Path);
        var hasNews = reports.Select(report => report.Path).Except(told, StringComparer.Ordinal).Any();
        return hasNews ? RecordReports(journal, reports) : reports;
    }

    private IEnumerable<CheckpointReport> Orphans(UnitJournal journal) =>
        journal.Orphans.Select(orphan => orphan.Report(unit.Root, output, isLetGo: request.Force));

    private IReadOnlyList<CheckpointReport> Failed(MigrationException error) =>
        [.. unit.Checkpoints.Select(name => CheckpointReport.Of(Path.Combine(unit.Root, name), error))];

    /// <summary>
    /// Records the reports of the unit, beside those of the checkpoints that this run leaves out. The disk has their names when the whole account
    /// ends: until then a power cut may take them back, and the next run makes them again.
    /// </summary>
    private IReadOnlyList<CheckpointReport> RecordReports(UnitJournal? journal, IReadOnlyList<CheckpointReport> reports)
    {
        if (!request.DryRun)
        {
            var leftOut = unit.LeftOut.ToHashSet(StringComparer.Ordinal);
            var others = leftOut.Count == 0 ? [] : KnownReports().Where(checkpoint => leftOut.Contains(Path.GetFileName(checkpoint.Path)));
            var own = UnitReportRecord.Of(unit.RelativePath, reports);
            using var file = account.Reports.Begin(
                own with { Checkpoints = [.. own.Checkpoints.Concat(others).OrderBy(checkpoint => checkpoint.Path, StringComparer.Ordinal)] });
            journal?.WaitForFinish();
            file.CommitName();
        }

        return reports;
    }

    private IEnumerable<CheckpointRecord> KnownReports() => account.Reports.Read(unit.RelativePath)?.Checkpoints ?? [];
}
