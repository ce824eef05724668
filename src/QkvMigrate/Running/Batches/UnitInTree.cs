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
    private readonly UnitReports reportsOfUnit = new(account, unit);

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
                return Record(Failed(error));
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
        if (journal.Recorded is { } recorded)
        {
            return recorded;
        }

        journal.End();
        return Record(journal.Complete(work));
    }

    /// <summary>A unit that is finished keeps the report of its making. Where a run was killed before it wrote that, it gets one.</summary>
    private IReadOnlyList<CheckpointReport> AlreadyFinished(FinishedUnit finished, UnitJournal journal)
    {
        IReadOnlyList<CheckpointReport> reports = [.. finished.Reports(), .. journal.OrphanReports];
        if (request.DryRun)
        {
            return reports;
        }

        finished.Tidy();
        var told = reportsOfUnit.Known.Where(checkpoint => checkpoint.Error is null).Select(checkpoint => checkpoint.Path);
        var hasNews = reports.Select(report => report.Path).Except(told, StringComparer.Ordinal).Any();
        return hasNews ? Record(reports) : reports;
    }

    private IReadOnlyList<CheckpointReport> Failed(MigrationException error) =>
        [.. unit.Checkpoints.Select(name => CheckpointReport.Of(Path.Combine(unit.Root, name), error))];

    private IReadOnlyList<CheckpointReport> Record(IReadOnlyList<CheckpointReport> reports)
    {
        if (!request.DryRun)
        {
            reportsOfUnit.Write(reports);
        }

        return reports;
    }
}
