using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;

namespace QkvMigrate.Running;

/// <summary>
/// Finds out before anything is written whether what a plan makes leads back to its source byte for byte: the inverse is planned
/// over the new file, as it will be, and held against the plan.
/// </summary>
internal static class WayBack
{
    /// <summary>Why the inverse of a plan that has work will not give the source's bytes, or null where it will.</summary>
    /// <exception cref="MigrationException">The source cannot be read.</exception>
    public static string? Problem(PlannedCheckpoint planned)
    {
        var (plan, opened) = (planned.Plan, planned.Opened);
        return plan.IsMerge ? "a LoRA is merged into it"
            : plan.LoraExpansion is not null ? "its LoRA is expanded"
            : opened.DroppedOptimizers.Count > 0 ? "the state of an optimizer is left out"
            : opened.DropsUnreferenced ? "storages that nothing names are left out"
            : plan.Rewrite is { } rewrite ? Problem(planned, rewrite)
            : throw new ArgumentException("the plan has no work", nameof(planned));
    }

    private static string? Problem(PlannedCheckpoint planned, PlannedRewrite rewrite)
    {
        var (conversion, geometry) = (planned.Plan.Conversion, rewrite.Geometry.Geometry);
        var flags = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize);
        var made = new PlannedBytes(rewrite.Output);
        var named = new NamedCheckpoint(planned.Path, [.. planned.Opened.Named.OtherShards.Select(tensor => After(tensor, conversion))])
        {
            Imagined = SourceFile.Imagined(planned.Path, rewrite.Output.Length, made.Read),
        };
        using var stage = new CheckpointPlanning(MigrationRequest.ToUndo(conversion, planned.Path, flags)).Plan(named);
        return stage switch
        {
            RefusedCheckpoint refused => $"the way back is refused ({refused.Error.Problem})",
            PlannedCheckpoint { Plan.Rewrite: { } back } => Difference(planned, made, back),
            _ => "there is none from the new file",
        };
    }

    private static string? Difference(PlannedCheckpoint planned, PlannedBytes made, PlannedRewrite back)
    {
        var source = planned.Opened.Checkpoint.Source;
        var difference = new UndoneFile(source, made, back.Output).FindDifference();
        return difference is not { } at ? null
            : planned.Plan.Splits.Count > 0 ? "tensors get storages of their own"
            : $"from byte {at} on it is another";
    }

    /// <summary>A tensor of another shard under the name that it has when all shards are migrated.</summary>
    private static TensorEntry After(TensorEntry tensor, Conversion conversion) =>
        tensor.Name is { } name ? tensor with { Name = name with { Text = conversion.Renamed(name.Text) } } : tensor;
}
