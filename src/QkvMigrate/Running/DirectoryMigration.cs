using QkvMigrate.Configuration;
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
    /// <param name="journal">Told how far the writing is, where the unit is part of a tree; null otherwise.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static IReadOnlyList<CheckpointReport> Run(CheckpointUnit unit, string output, MigrationRequest request, UnitJournal? journal, CancellationToken cancellation)
    {
        using var plan = DirectoryPlan.Open(unit, output, request);
        var writing = new DirectoryWriting(plan, journal, cancellation);
        var isNeeded = plan.IsNeeded;
        try
        {
            if (isNeeded)
            {
                DirectoryTargets.Check(plan, journal);
            }
            else if (!plan.HasError)
            {
                journal?.Retire();
            }

            if (isNeeded && !request.DryRun)
            {
                writing.Run();
            }
        }
        catch (MigrationException failure)
        {
            plan.Checkpoints[Math.Min(writing.Replaced.Count, plan.Checkpoints.Count - 1)].Fail(failure);
        }
        catch (OperationCanceledException cancelled)
        {
            plan.Checkpoints[0].Fail(CheckpointWriting.Cancelled(output, cancelled));
        }

        if (!isNeeded)
        {
            return [.. plan.Checkpoints.Select(checkpoint => plan.HasError ? Refused(checkpoint) : Unchanged(checkpoint, plan.Configuration))];
        }

        return [.. plan.Checkpoints.Select(checkpoint => plan.HasError && !writing.Replaced.Contains(checkpoint) ? Refused(checkpoint) : Done(checkpoint, plan))];
    }

    private static CheckpointReport Done(PlannedCheckpoint checkpoint, DirectoryPlan plan)
    {
        var status = !checkpoint.Plan!.IsNeeded ? CheckpointStatus.Unchanged
            : plan.Request.DryRun ? CheckpointStatus.Planned
            : CheckpointWriting.Done(plan.Request.Conversion);
        var report = checkpoint.Report(status, plan.OutputOf(checkpoint));
        return report with
        {
            ConfigurationChanges = plan.Configuration.Changes,
            Advice = [.. report.Advice, .. plan.Configuration.Advice, .. plan.Request.InPlace ? [] : plan.Unit.LeftBehind],
        };
    }

    /// <summary>Where no checkpoint changes, the configuration is left alone as well; that it is of another age is told.</summary>
    private static CheckpointReport Unchanged(PlannedCheckpoint checkpoint, ConfigurationRewrite configuration)
    {
        var report = checkpoint.Report(CheckpointStatus.Unchanged);
        return configuration.IsEmpty || !checkpoint.Plan!.Conversion.IsUpgrade
            ? report
            : report with { Advice = [.. report.Advice, new Advice("config-outdated", $"the configuration beside it is one that today's LitGPT refuses: {string.Join("; ", configuration.Changes)}")] };
    }

    /// <summary>The report of a checkpoint that failed, or that another one of its directory keeps from being written.</summary>
    private static CheckpointReport Refused(PlannedCheckpoint checkpoint)
    {
        if (checkpoint.Error is { } error)
        {
            return checkpoint.Report(error);
        }

        var report = checkpoint.Report(CheckpointStatus.Skipped);
        return report with { Advice = [new Advice("directory-refused", "another checkpoint of its directory was refused"), .. report.Advice] };
    }
}
