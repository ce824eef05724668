using QkvMigrate.Checkpoints;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Optimizers;
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
        var made = new PlannedBytes(rewrite.Output);
        PlannedRewrite? back;
        try
        {
            back = Back(planned, rewrite, made);
        }
        catch (MigrationException refused)
        {
            return $"the way back is refused ({refused.Problem})";
        }

        return back is null ? "there is none from the new file" : Difference(planned, made, back);
    }

    /// <summary>
    /// How the new file is undone; null where it is not one that would be. Nobody is told of that plan: what its pickles name and
    /// its storages that nothing names are the old file's, and are not asked for again.
    /// </summary>
    private static PlannedRewrite? Back(PlannedCheckpoint planned, PlannedRewrite rewrite, PlannedBytes made)
    {
        var (conversion, geometry) = (planned.Plan.Conversion, rewrite.Geometry.Geometry);
        using var checkpoint = Checkpoint.Of(SourceFile.Imagined(planned.Path, rewrite.Output.Length, made.Read));
        var scan = AttentionScan.Of(checkpoint, [.. planned.Opened.Named.OtherShards.Select(tensor => After(tensor, conversion))]);
        var outline = MigrationPlanner.Outline(scan, conversion.Inverse);
        if (!outline.HasWork)
        {
            return null;
        }

        // What lies beside is of the file on the disk, and says nothing of one that is only imagined.
        var flags = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize);
        var resolved = GeometryResolver.Resolve(flags, null, scan.Shapes());

        // The checksum of the old file tells whether that was the optimizer's order.
        return MigrationPlanner.Plan(outline, resolved, new LoraOptions(), OptimizerOrder.Model).Rewrite;
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
