using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;

namespace QkvMigrate.Running;

/// <summary>Makes the report of a checkpoint from the last stage that it reached.</summary>
internal static class StageReports
{
    /// <summary>The status of a checkpoint that was written.</summary>
    public static CheckpointStatus StatusAfter(Conversion conversion) => conversion.IsUpgrade ? CheckpointStatus.Upgraded : CheckpointStatus.Downgraded;

    /// <summary>The report of a checkpoint.</summary>
    public static CheckpointReport Report(this CheckpointStage stage) => stage switch
    {
        NamedCheckpoint named => new CheckpointReport
        {
            Path = named.Path,
            Status = CheckpointStatus.Pending,
            Advice = named.PickleAdvice,
            Elapsed = named.Elapsed,
        },
        OpenedCheckpoint opened => opened.Named.Report() with
        {
            Format = opened.Checkpoint.Format,
            TensorCount = opened.Checkpoint.Tensors.Count,
            Unreferenced = opened.Unreferenced,
            SourceBytes = opened.Checkpoint.Source.Length,
            Globals = opened.Checkpoint.Globals,
            Advice = opened.PickleAdvice,
        },
        ScannedCheckpoint scanned => scanned.Opened.Report(),
        PlannedCheckpoint planned => planned.Scanned.Report() with
        {
            Status = planned.Plan.HasWork ? CheckpointStatus.Planned : CheckpointStatus.Unchanged,
            Layout = planned.Plan.Layout,
            Geometry = planned.Plan.Rewrite?.Geometry.Geometry,
            GeometrySource = planned.Plan.Rewrite?.Geometry.Source,
            Plan = planned.Plan,
            Changes = PlanCounts.Of(planned.Plan),
            Advice = planned.Advice,
        },
        WrittenCheckpoint written => written.Planned.Report() with
        {
            Status = StatusAfter(written.Planned.Plan.Conversion),
            Output = written.Output,
            SourceSha256 = written.Digests?.Source,
            OutputSha256 = written.Digests?.Output,
        },
        RefusedCheckpoint refused => refused.Reached.Report() with
        {
            Status = CheckpointReport.StatusOf(refused.Error),
            Error = refused.Error,
        },
        _ => throw new ArgumentException($"no report of a {stage.GetType().Name}", nameof(stage)),
    };
}
