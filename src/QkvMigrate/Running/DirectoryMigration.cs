using QkvMigrate.Configuration;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Running.Batches;
using QkvMigrate.Trees;

namespace QkvMigrate.Running;

/// <summary>
/// Migrates a directory as one: all of its checkpoints are planned before the first is written, its configuration
/// follows, its other files come along.
/// </summary>
internal static class DirectoryMigration
{
    /// <summary>Migrates a unit: a report for each of its checkpoints.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="output">The directory that becomes its result; its own root in place.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="journal">Records how far the writing is, where the unit is part of a tree; null otherwise.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static IReadOnlyList<CheckpointReport> Run(
        CheckpointUnit unit,
        string output,
        MigrationRequest request,
        UnitJournal? journal,
        CancellationToken cancellation)
    {
        var shards = ShardSet.Open(unit.Root, out var unfit);
        unfit ??= shards.LeftOut(unit.LeftOut);
        var planning = new CheckpointPlanning(request);
        var stages = new List<CheckpointStage>();
        try
        {
            stages.AddRange(unit.Checkpoints.Select(name => planning.Plan(Path.Combine(unit.Root, name), shards.Beside(name))));
            List<PlannedCheckpoint> checkpoints = [.. stages.OfType<PlannedCheckpoint>()];
            if (checkpoints.Count < stages.Count)
            {
                return [.. stages.Select(stage => stage is RefusedCheckpoint ? stage.Report() : Skipped(stage))];
            }

            return unfit is null ? Run(unit, output, request, checkpoints, shards, journal, cancellation) : Ended([], checkpoints, unfit);
        }
        finally
        {
            stages.ForEach(stage => stage.Dispose());
        }
    }

    private static IReadOnlyList<CheckpointReport> Run(
        CheckpointUnit unit,
        string output,
        MigrationRequest request,
        IReadOnlyList<PlannedCheckpoint> checkpoints,
        ShardSet shards,
        UnitJournal? journal,
        CancellationToken cancellation)
    {
        try
        {
            return Run(DirectoryPlan.Of(unit, output, request, checkpoints, shards), journal, cancellation);
        }
        catch (MigrationException failure)
        {
            return Ended([], checkpoints, failure);
        }
    }

    private static IReadOnlyList<CheckpointReport> Run(DirectoryPlan plan, UnitJournal? journal, CancellationToken cancellation)
    {
        var writing = new DirectoryWriting(plan, journal, cancellation);
        try
        {
            if (!plan.HasWork)
            {
                journal?.Retire();
                return [.. plan.Checkpoints.Select(checkpoint => Unchanged(checkpoint, plan.Configuration))];
            }

            DirectoryTargets.Check(plan, journal);
            if (plan.Request.DryRun)
            {
                return plan.Reports(plan.Checkpoints);
            }

            writing.Run();
            return journal?.Recorded ?? plan.Reports(writing.Finished);
        }
        catch (MigrationException failure)
        {
            return Ended(plan.Reports(writing.Finished), plan.Checkpoints, failure);
        }
        catch (OperationCanceledException cancelled)
        {
            return Ended(plan.Reports(writing.Finished), plan.Checkpoints, CheckpointWriting.Cancelled(plan.Output, cancelled));
        }
    }

    /// <summary>Where no checkpoint changes, the configuration is left alone too; an outdated one is reported.</summary>
    private static CheckpointReport Unchanged(PlannedCheckpoint checkpoint, ConfigurationRewrite configuration)
    {
        var report = checkpoint.Report();
        if (configuration.IsEmpty || !checkpoint.Plan.Conversion.IsUpgrade)
        {
            return report;
        }

        var changes = string.Join("; ", configuration.Changes);
        var outdated = new Advice("config-outdated", $"the configuration beside it is one that today's LitGPT refuses: {changes}");
        return report with { Advice = [.. report.Advice, outdated] };
    }

    /// <summary>The reports of a directory that failed: the checkpoint at work has the failure, those behind it are skipped.</summary>
    /// <param name="done">The reports of the checkpoints that are done, and stay so.</param>
    /// <param name="checkpoints">All checkpoints.</param>
    /// <param name="failure">The failure.</param>
    private static IReadOnlyList<CheckpointReport> Ended(
        IReadOnlyList<CheckpointReport> done,
        IReadOnlyList<PlannedCheckpoint> checkpoints,
        MigrationException failure) =>
    [
        .. done,
        .. checkpoints.Skip(done.Count).Take(1).Select(checkpoint => checkpoint.Refused(failure).Report()),
        .. checkpoints.Skip(done.Count + 1).Select(Skipped),
    ];

    /// <summary>The report of a checkpoint that is not written because another one of its directory failed.</summary>
    private static CheckpointReport Skipped(CheckpointStage checkpoint)
    {
        var report = checkpoint.Report();
        return report with
        {
            Status = CheckpointStatus.Skipped,
            Advice = [new Advice("directory-refused", "another checkpoint of its directory was refused"), .. report.Advice],
        };
    }
}
