using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Copies;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Planning;

/// <summary>Decides what a migration does to a checkpoint. Reads no tensor.</summary>
public static class MigrationPlanner
{
    /// <summary>Plans the migration of <paramref name="checkpoint"/>.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="conversion">Upgrade or downgrade.</param>
    /// <param name="resolveGeometry">Finds the geometry that fits the fused tensors' shapes; asked only where one is needed.</param>
    /// <param name="lora">What the user says about LoRA.</param>
    /// <param name="otherShards">The tensors in the other files of the same model, where it has several.</param>
    /// <exception cref="MigrationException">The geometry is missing or does not fit, names collide, or a tensor is of no known kind.</exception>
    public static MigrationPlan Plan(Checkpoint checkpoint, Conversion conversion, Func<IReadOnlyList<AttentionShape>, ResolvedGeometry> resolveGeometry, LoraOptions lora, IReadOnlyList<TensorEntry>? otherShards = null)
    {
        try
        {
            var scan = AttentionScan.Of(checkpoint, otherShards);
            var advice = UnreadableAttention.Check(checkpoint, conversion.From);
            var plan = scan.Layout == conversion.From
                ? Plan(checkpoint, scan, conversion, resolveGeometry, (geometry, permutation) => LoraPlan.Of(checkpoint, scan.Layout, geometry, permutation, lora))
                : new MigrationPlan(conversion, scan.Layout, null, null, [], [], checkpoint.Tensors.Count, null, AdviceRules.Of(new AdviceFacts(checkpoint, scan, conversion, null, [])));
            return plan with { Advice = [.. plan.Advice, .. advice] };
        }
        catch (MigrationException error)
        {
            throw error.InFile(checkpoint.Source.Path);
        }
    }

    /// <summary>Plans the upgrade of <paramref name="model"/>, of either layout, with a LoRA merged into it.</summary>
    /// <param name="model">The LoRA's base.</param>
    /// <param name="merge">The merge.</param>
    /// <param name="resolveGeometry">Finds the geometry that fits the fused tensors' shapes.</param>
    /// <exception cref="MigrationException">As above, or the base and the LoRA do not fit together.</exception>
    internal static MigrationPlan PlanMerge(Checkpoint model, LoraMerge merge, Func<IReadOnlyList<AttentionShape>, ResolvedGeometry> resolveGeometry)
    {
        try
        {
            var scan = AttentionScan.Of(model);
            var advice = UnreadableAttention.Check(model, Conversion.Upgrade.From);
            var plan = scan.Layout.IsLitGpts
                ? Plan(model, scan, Conversion.Upgrade, resolveGeometry, (geometry, _) => merge.Plan(model, scan, geometry))
                : throw new MigrationException(FailureKind.Unsupported, $"the base of the LoRA has no fused attention of LitGPT's ({LayoutFamilies.Interleaved.Module} or {LayoutFamilies.Sequential.Module})");
            return plan with { Advice = [.. plan.Advice, .. advice] };
        }
        catch (MigrationException error)
        {
            throw error.InFile(model.Source.Path);
        }
    }

    private static MigrationPlan Plan(Checkpoint checkpoint, AttentionScan scan, Conversion conversion, Func<IReadOnlyList<AttentionShape>, ResolvedGeometry> resolveGeometry, Func<AttentionGeometry, RowPermutation, LoraPlan> planLora)
    {
        foreach (var fused in scan.Fused)
        {
            CheckKind(fused);
        }

        var resolved = resolveGeometry(scan.Shapes());
        var permutation = RowPermutation.Between(resolved.Geometry, scan.Layout.Rows!, conversion.To.Rows!);
        var lora = planLora(resolved.Geometry, permutation);
        var (moves, names) = scan.Layout == conversion.To ? ([], []) : Changes(checkpoint, scan, conversion, permutation);
        moves = lora.Complete(moves);
        CheckNewNames(checkpoint, moves);
        var renames = moves.Where(move => move.NewName is not null).Select(move => (Name: move.Tensor.Name!, NewName: move.NewName!))
            .Concat(names.Select(change => (change.Name, change.NewName)));
        var storages = SharedStorages.Of(checkpoint, moves);
        var edit = new CheckpointEdit(renames.DistinctBy(rename => rename.Name.Id).ToDictionary(rename => rename.Name, rename => rename.NewName), storages.Blocks)
        {
            Replacements = lora.Replacements,
            Splits = storages.Splits,
        };
        var advice = AdviceRules.Of(new AdviceFacts(checkpoint, scan, conversion, resolved.Geometry, moves));
        return new MigrationPlan(conversion, scan.Layout, resolved, permutation, moves, names, checkpoint.Tensors.Count - moves.Count, checkpoint.Rewrite(edit), [.. lora.Advice, .. CopyMoves.Advice(moves), .. storages.Advice, .. advice])
        {
            Splits = storages.Splits,
            LoraExpansion = lora.Expansion,
            IsMerge = lora.IsMerge,
        };
    }

    /// <summary>What a change of layout does to tensors, and to the names that stand elsewhere.</summary>
    private static (List<TensorMove> Moves, List<NameChange> Names) Changes(Checkpoint checkpoint, AttentionScan scan, Conversion conversion, RowPermutation permutation)
    {
        var models = new Lazy<IReadOnlyList<(ContainerEntry Scope, List<TensorEntry> Tensors)>>(() => ModelTensors.Of(checkpoint, scan));
        var optimizers = new OptimizerMoves(models, scan, conversion, permutation);
        return (
            [.. scan.Fused.Select(fused => Move(fused, conversion, permutation)), .. checkpoint.Optimizers.SelectMany(optimizers.Moves), .. CopyMoves.Of(checkpoint, models, scan, permutation)],
            [.. ModulePathChanges(scan, conversion), .. SpreadNameChanges(scan, conversion), .. checkpoint.Optimizers.SelectMany(optimizers.Names)]);
    }

    private static void CheckKind(FusedTensor fused)
    {
        var where = $"tensor '{fused.Tensor.Label}'";
        if (fused.Rule is null)
        {
            throw new MigrationException(FailureKind.Unsupported, $"'{fused.Suffix}' is no tensor that LitGPT puts under a fused attention module (known: {string.Join(", ", LayoutFamilies.Interleaved.Rules.Select(known => known.Suffix).Distinct())})", where: where);
        }

        if (fused is { Spread: not null, Rule.Dimension: null })
        {
            throw new MigrationException(FailureKind.Unsupported, $"a LoRA or quantization ('{fused.Suffix}') whose names are no keys of one dict is not handled; save its state dict instead", where: where);
        }

        if (fused.Dimension is { } dimension && (dimension < 0 || dimension >= fused.Tensor.Shape.Count))
        {
            throw new MigrationException(FailureKind.Geometry, $"shape ({string.Join(", ", fused.Tensor.Shape)}) has no dimension for the fused rows", where: where);
        }
    }

    private static TensorMove Move(FusedTensor fused, Conversion conversion, RowPermutation permutation)
    {
        var name = fused.Spread is not { } spread ? conversion.Renamed(fused.Tensor.Name!.Text)
            : spread.Place == fused.Tensor.Name ? spread.NewName(conversion)
            : null;
        return fused.Dimension is { } dimension
            ? new TensorMove(fused.Tensor, name, dimension, StridedBlocks.Of(fused.Tensor, dimension, fused.Rule!.IsPacked ? Packed(fused, dimension, permutation) : permutation))
            : new TensorMove(fused.Tensor, name, null, []);
    }

    /// <summary>The permutation of elements that hold several rows each; heads must not share one.</summary>
    private static RowPermutation Packed(FusedTensor fused, int dimension, RowPermutation permutation)
    {
        var size = fused.Tensor.Shape[dimension];
        var where = $"tensor '{fused.Tensor.Label}'";
        if (size == 0 || permutation.RowCount % size != 0)
        {
            throw new MigrationException(FailureKind.Geometry, $"{size} packed elements cannot hold {permutation.RowCount} rows", where: where);
        }

        var pack = (int)(permutation.RowCount / size);
        return permutation.Packed(pack)
            ?? throw new MigrationException(FailureKind.Unsupported, $"{pack} rows are packed into one element, and the head size is no multiple of it, so that two heads share elements", where: where);
    }

    private static void CheckNewNames(Checkpoint checkpoint, List<TensorMove> moves)
    {
        var taken = checkpoint.Tensors.Where(tensor => tensor.Name is not null).Select(tensor => (tensor.Container, tensor.Name!.Text)).ToHashSet();
        foreach (var move in moves.Where(move => move.NewName is not null))
        {
            if (!taken.Add((move.Tensor.Container, move.NewName!)))
            {
                throw new MigrationException(FailureKind.Conflict, $"the new name '{move.NewName}' is already there", where: $"tensor '{move.Tensor.Label}'");
            }
        }
    }

    /// <summary>The keys of containers, and the strings beside tensors, that name fused modules.</summary>
    private static IEnumerable<NameChange> SpreadNameChanges(AttentionScan scan, Conversion conversion) =>
        scan.Fused.Where(fused => fused.Spread is { } spread && spread.Place != fused.Tensor.Name)
            .Select(fused => new NameChange(fused.Spread!.Place, fused.Spread.NewName(conversion)))
            .DistinctBy(change => change.Name.Id);

    /// <summary>The module paths in the <c>_metadata</c> of every container that has fused tensors.</summary>
    private static IEnumerable<NameChange> ModulePathChanges(AttentionScan scan, Conversion conversion) =>
        scan.Fused.Select(fused => fused.Tensor.Container).Distinct()
            .SelectMany(container => container.ModulePaths)
            .Select(path => new NameChange(path, conversion.Renamed(path.Text)))
            .Where(change => change.NewName != change.Name.Text);
}
