using QkvMigrate.Attention;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>What a change of layout does to the fused tensors themselves, and to the names of their modules.</summary>
internal static class FusedMoves
{
    /// <summary>Refuses tensors under fused modules that cannot follow the rows.</summary>
    /// <exception cref="MigrationException">A tensor is of no known kind, or too small for its kind.</exception>
    public static void CheckKind(FusedTensor fused)
    {
        var where = $"tensor '{fused.Tensor.Label}'";
        if (fused.Rule is null)
        {
            var known = string.Join(", ", LayoutFamilies.Interleaved.Rules.Select(rule => rule.Suffix).Distinct());
            throw new MigrationException(
                FailureKind.Unsupported,
                $"'{fused.Suffix}' is no tensor that LitGPT puts under a fused attention module (known: {known})",
                where: where);
        }

        if (fused is { Spread: not null, Rule.Dimension: null })
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"a LoRA or quantization ('{fused.Suffix}') whose names are no keys of one dict is not handled; save its state dict instead",
                where: where);
        }

        if (fused.Dimension is { } dimension && (dimension < 0 || dimension >= fused.Tensor.Shape.Count))
        {
            throw new MigrationException(
                FailureKind.Geometry,
                $"shape ({string.Join(", ", fused.Tensor.Shape)}) has no dimension for the fused rows",
                where: where);
        }
    }

    /// <summary>What happens to a fused tensor.</summary>
    /// <exception cref="MigrationException">Its rows cannot be moved.</exception>
    public static TensorMove Move(FusedTensor fused, Conversion conversion, RowPermutation permutation)
    {
        var name = NewName(fused, conversion);
        if (fused is not { Dimension: { } dimension, Rule: { } rule })
        {
            return new TensorMove(fused.Tensor, name, null, []);
        }

        var rows = rule.IsPacked ? Packed(fused, dimension, permutation) : permutation;
        return new TensorMove(fused.Tensor, name, dimension, StridedBlocks.Of(fused.Tensor, dimension, rows));
    }

    /// <summary>The module paths in the <c>_metadata</c> of every container that has fused tensors.</summary>
    public static IEnumerable<NameChange> ModulePathChanges(AttentionScan scan, Conversion conversion) =>
        scan.Fused.Select(fused => fused.Tensor.Container).Distinct()
            .SelectMany(container => container.ModulePaths)
            .Select(path => new NameChange(path, conversion.Renamed(path.Text)))
            .Where(change => change.NewName != change.Name.Text);

    /// <summary>The keys of containers, and the strings beside tensors, that name fused modules.</summary>
    public static IEnumerable<NameChange> SpreadNameChanges(AttentionScan scan, Conversion conversion) =>
        scan.Fused.Where(fused => fused.Spread?.Place != fused.Tensor.Name)
            .Select(fused => fused.Spread).OfType<SpreadName>()
            .Select(spread => new NameChange(spread.Place, spread.NewName(conversion)))
            .DistinctBy(change => change.Name.Id);

    /// <summary>The key that the tensor has afterwards, or null where the key stays and its name changes elsewhere.</summary>
    private static string? NewName(FusedTensor fused, Conversion conversion) =>
        fused.Spread is not { } spread ? fused.Tensor.Name is { } key ? conversion.Renamed(key.Text) : null
        : spread.Place == fused.Tensor.Name ? spread.NewName(conversion)
        : null;

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
        return permutation.Packed(pack) ?? throw new MigrationException(
            FailureKind.Unsupported,
            $"{pack} rows are packed into one element, and the head size is no multiple of it, so that two heads share elements",
            where: where);
    }
}
