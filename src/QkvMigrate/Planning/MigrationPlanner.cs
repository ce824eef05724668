using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Copies;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Optimizers;

namespace QkvMigrate.Planning;

/// <summary>
/// Decides what a migration does to a checkpoint, in two steps: an outline, which says whether a geometry is needed, and
/// the plan with that geometry. Reads no tensor.
/// </summary>
public static class MigrationPlanner
{
    /// <summary>Says what a migration of a checkpoint needs to know.</summary>
    /// <param name="scan">The file's fused attention.</param>
    /// <param name="conversion">Upgrade or downgrade.</param>
    /// <exception cref="MigrationException">Attention stands in the file that cannot be moved, or a tensor is of no known kind.</exception>
    public static MigrationOutline Outline(AttentionScan scan, Conversion conversion)
    {
        IReadOnlyList<Advice> advice = [.. UnreadableAttention.Check(scan.Checkpoint, conversion.From), .. LoneOptimizers.Check(scan, conversion)];
        var hasWork = scan.Layout == conversion.From;
        if (hasWork)
        {
            CheckKinds(scan);
        }

        return new MigrationOutline(scan, conversion, hasWork, advice);
    }

    /// <summary>Says what the upgrade of the base of a LoRA needs to know, of either layout, with the LoRA merged into it.</summary>
    /// <param name="model">The base's fused attention.</param>
    /// <param name="merge">The merge.</param>
    /// <exception cref="MigrationException">As above, or the base has no fused attention of LitGPT's.</exception>
    internal static MigrationOutline OutlineMerge(AttentionScan model, LoraMerge merge)
    {
        var advice = UnreadableAttention.Check(model.Checkpoint, Conversion.Upgrade.From);
        if (!model.Layout.IsLitGpts)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"the base of the LoRA has no fused attention of LitGPT's ({LayoutFamilies.Interleaved.Module} or {LayoutFamilies.Sequential.Module})");
        }

        CheckKinds(model);
        return new MigrationOutline(model, Conversion.Upgrade, hasWork: true, advice) { Merge = merge };
    }

    /// <summary>Plans a migration.</summary>
    /// <param name="outline">What is to be done.</param>
    /// <param name="geometry">The geometry, which fits the shapes of the file; null where <see cref="MigrationOutline.HasWork"/> is not set.</param>
    /// <param name="lora">What the user says about LoRA.</param>
    /// <param name="order">What the user says about the order of an optimizer's parameters.</param>
    /// <exception cref="ArgumentNullException">The geometry is needed and missing.</exception>
    /// <exception cref="MigrationException">The geometry does not fit a tensor, names collide, or a tensor cannot follow the rows.</exception>
    public static MigrationPlan Plan(MigrationOutline outline, ResolvedGeometry? geometry, LoraOptions lora, OptimizerOrder order = OptimizerOrder.Proven)
    {
        var plan = outline.HasWork ? PlanChanges(outline, geometry ?? throw new ArgumentNullException(nameof(geometry)), lora, order) : PlanNothing(outline);
        return plan with { Advice = [.. plan.Advice, .. outline.Advice] };
    }

    private static void CheckKinds(AttentionScan scan)
    {
        foreach (var fused in scan.Fused)
        {
            FusedMoves.CheckKind(fused);
        }
    }

    private static MigrationPlan PlanNothing(MigrationOutline outline)
    {
        var (scan, conversion) = (outline.Scan, outline.Conversion);
        var advice = AdviceRules.Of(new AdviceFacts(scan, conversion, null, []));
        return new MigrationPlan(conversion, scan.Layout, null, [], [], scan.Checkpoint.Tensors.Count, advice);
    }

    private static MigrationPlan PlanChanges(MigrationOutline outline, ResolvedGeometry resolved, LoraOptions options, OptimizerOrder order)
    {
        var (scan, conversion, checkpoint, geometry) = (outline.Scan, outline.Conversion, outline.Scan.Checkpoint, resolved.Geometry);
        var permutation = scan.Layout.PermutationTo(conversion.To, geometry);
        var lora = outline.Merge is { } merge
            ? merge.Plan(scan, geometry)
            : LoraPlan.Of(checkpoint, scan.Layout, geometry, permutation, options);
        var (changed, names, copies) = scan.Layout == conversion.To ? ([], [], FoundCopies.None) : Changes(scan, conversion, permutation, order);
        var moves = lora.Complete(changed);
        CheckNewNames(checkpoint, moves);
        var storages = SharedStorages.Of(checkpoint, moves);
        var edit = new CheckpointEdit(Renames(moves, names), storages.Blocks)
        {
            Replacements = lora.Replacements,
            Splits = storages.Splits,
        };
        var advice = AdviceRules.Of(new AdviceFacts(scan, conversion, geometry, moves));
        return new MigrationPlan(
            conversion,
            scan.Layout,
            new PlannedRewrite(resolved, permutation, checkpoint.Rewrite(edit)),
            moves,
            names,
            checkpoint.Tensors.Count - moves.Count,
            [.. lora.Advice, .. CopyAdvice.Of(moves, copies), .. storages.Advice, .. advice])
        {
            Splits = storages.Splits,
            LoraExpansion = lora.Expansion,
            IsMerge = lora.IsMerge,
        };
    }

    /// <summary>What a change of layout does to tensors, and to the names that stand elsewhere.</summary>
    private static (List<TensorMove> Moves, List<NameChange> Names, FoundCopies Copies) Changes(
        AttentionScan scan, Conversion conversion, RowPermutation permutation, OptimizerOrder order)
    {
        var models = new Lazy<IReadOnlyList<ModelTensors>>(() => ModelTensors.Of(scan));
        var optimizers = new OptimizerMoves(models, scan, conversion, permutation, order);
        var copies = CopyMoves.Of(models, scan, conversion, permutation);
        List<TensorMove> moves =
        [
            .. scan.Fused.Select(fused => FusedMoves.Move(fused, conversion, permutation)),
            .. scan.Checkpoint.Optimizers.SelectMany(optimizers.Moves),
            .. copies.Moves,
        ];
        List<NameChange> names =
        [
            .. FusedMoves.ModulePathChanges(scan, conversion),
            .. FusedMoves.SpreadNameChanges(scan, conversion),
            .. scan.Checkpoint.Optimizers.SelectMany(optimizers.Names),
        ];
        return (moves, names, copies);
    }

    /// <summary>The new text of every name that changes, each once: tensors may stand under one key in several places.</summary>
    private static Dictionary<int, string> Renames(List<TensorMove> moves, List<NameChange> names)
    {
        var renames = new Dictionary<int, string>(moves.Count + names.Count);
        foreach (var change in moves.Select(move => move.Rename).OfType<NameChange>().Concat(names))
        {
            renames.TryAdd(change.Name.Id, change.NewName);
        }

        return renames;
    }

    private static void CheckNewNames(Checkpoint checkpoint, List<TensorMove> moves)
    {
        var taken = new HashSet<(ContainerEntry, string)>(checkpoint.Tensors.Count + moves.Count);
        foreach (var (name, tensor) in checkpoint.Tensors.Named())
        {
            taken.Add((tensor.Container, name));
        }

        foreach (var move in moves)
        {
            if (move.NewName is { } name && !taken.Add((move.Tensor.Container, name)))
            {
                throw new MigrationException(FailureKind.Conflict, $"the new name '{name}' is already there", where: $"tensor '{move.Tensor.Label}'");
            }
        }
    }
}
