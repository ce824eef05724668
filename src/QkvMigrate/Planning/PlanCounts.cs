using QkvMigrate.FilePlans;

namespace QkvMigrate.Planning;

/// <summary>A plan in numbers: what is left of it in the reports of a batch, whose plans would fill the memory.</summary>
/// <param name="ChangedTensors">Tensors that get another name, or other rows.</param>
/// <param name="ReorderedTensors">Those of them whose rows move.</param>
/// <param name="UntouchedTensors">Tensors that are left alone.</param>
/// <param name="OutputBytes">Bytes of the new file; null where there is none.</param>
/// <param name="ReorderedBytes">Bytes of it that are rows of permuted blocks, whether an engine permutes them or copies do.</param>
/// <param name="CopiedBytes">Bytes of it that are copied as they are.</param>
public sealed record PlanCounts(int ChangedTensors, int ReorderedTensors, int UntouchedTensors, long? OutputBytes, long ReorderedBytes, long CopiedBytes)
{
    /// <summary>The numbers of <paramref name="plan"/>.</summary>
    public static PlanCounts Of(MigrationPlan plan) => new(
        plan.Moves.Count,
        plan.Moves.Count(move => move.Blocks.Count > 0),
        plan.UntouchedTensors,
        plan.Rewrite?.Output.Length,
        Sum<ReorderSegment>(plan.Rewrite?.Output) + CopiedRowBytes(plan),
        Sum<CopySegment>(plan.Rewrite?.Output) - CopiedRowBytes(plan));

    private static long CopiedRowBytes(MigrationPlan plan) => plan.Rewrite?.Output.CopiedRowBytes ?? 0;

    private static long Sum<T>(FilePlan? plan)
        where T : Segment =>
        plan?.Segments.OfType<T>().Sum(segment => segment.Length) ?? 0;
}
