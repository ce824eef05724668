using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Layouts;

/// <summary>The fused attention tensors of a checkpoint and the layout that their names stand for.</summary>
public sealed class AttentionScan
{
    private static readonly HashSet<string> NoSuffixes = [];
    private static readonly char[] Digits = [.. "0123456789"];

    private AttentionScan(Checkpoint checkpoint, LayoutFamily layout, IReadOnlyList<FusedTensor> fused)
    {
        Checkpoint = checkpoint;
        Layout = layout;
        Fused = fused;
    }

    /// <summary>The file that was looked at.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The layout.</summary>
    public LayoutFamily Layout { get; }

    /// <summary>The tensors under that layout's module name, in the checkpoint's order.</summary>
    public IReadOnlyList<FusedTensor> Fused { get; }

    /// <summary>Looks at every tensor's name.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="otherShards">The tensors in the other files of the same model, where it has several: a block may be cut in two.</param>
    /// <exception cref="MigrationException">Legacy and upgraded names stand in one file.</exception>
    public static AttentionScan Of(Checkpoint checkpoint, IReadOnlyList<TensorEntry>? otherShards = null)
    {
        var beside = InRootOf(checkpoint, otherShards ?? []);
        var moments = new Lazy<HashSet<ContainerEntry>>(() => [.. checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers)]);
        var found = LayoutFamilies.All
            .Select(family => new AttentionScan(checkpoint, family, Under(family, checkpoint, beside, moments)))
            .Where(scan => scan.Fused.Count > 0)
            .ToList();
        if (found.Where(scan => scan.Layout.IsLitGpts).ToList() is [var one, var other, ..])
        {
            throw new MigrationException(
                FailureKind.Conflict,
                $"legacy and upgraded names stand in one file: {one.Fused.Count} tensors under {one.Layout.Module} and "
                + $"{other.Fused.Count} under {other.Layout.Module} (the first is '{other.Fused[0].Tensor.Label}'); "
                + "which rows are in which order cannot be told",
                checkpoint.Source.Path,
                $"tensor '{one.Fused[0].Tensor.Label}'");
        }

        return found.FirstOrDefault() ?? new AttentionScan(checkpoint, LayoutFamilies.None, []);
    }

    /// <summary>What the shapes say about the geometry: one entry for each tensor that has the fused rows.</summary>
    public IReadOnlyList<AttentionShape> Shapes() => [.. Fused.Select(ShapeOf).OfType<AttentionShape>()];

    private static AttentionShape? ShapeOf(FusedTensor fused)
    {
        if (fused is not { Rule.IsPacked: false, Dimension: { } dimension } || dimension < 0 || dimension >= fused.Tensor.Shape.Count)
        {
            return null;
        }

        var columns = fused.Projection is { Shape: [_, var width] } ? width : (long?)null;
        return new AttentionShape(fused.Tensor.Label, fused.Tensor.Shape[dimension], columns);
    }

    /// <summary>The tensors of other shards whose names are whole keys, as if they stood beside those of <paramref name="checkpoint"/>.</summary>
    private static List<TensorEntry> InRootOf(Checkpoint checkpoint, IReadOnlyList<TensorEntry> otherShards) =>
        checkpoint.Tensors.Select(tensor => tensor.Container).FirstOrDefault(container => container.Path.Length == 0) is { } root
            ? [.. otherShards.Where(tensor => tensor.Container.Path.Length == 0).Select(tensor => tensor with { Container = root })]
            : [];

    private static List<FusedTensor> Under(
        LayoutFamily family,
        Checkpoint checkpoint,
        IReadOnlyList<TensorEntry> beside,
        Lazy<HashSet<ContainerEntry>> moments)
    {
        var found = Find(family.Module, checkpoint.Tensors, moments, suffix => suffix.Length > 0);
        if (found.Count == 0)
        {
            return [];
        }

        var siblings = Siblings(family, found, Find(family.Module, beside, moments, suffix => suffix.Length > 0));
        var projections = Projections(family, checkpoint.Tensors.Concat(beside), moments);
        var models = found.Exists(item => item.Tensor.ElementCount == 1)
            ? found.Where(item => item.Tensor.ElementCount > 1).Select(item => item.Model).ToHashSet()
            : [];
        return [.. found.Select(item => new FusedTensor(
            item.Tensor,
            item.Prefix,
            item.Suffix,
            family.Rule(item.Suffix, siblings.GetValueOrDefault((item.Scope, item.Prefix), NoSuffixes)),
            projections.GetValueOrDefault((item.Scope, item.Prefix)))
        {
            Spread = item.Spread,
            IsSingleNumber = item.Tensor.ElementCount == 1 && !models.Contains(item.Model),
        })];
    }

    /// <summary>The output projection of each block.</summary>
    private static Dictionary<(ContainerEntry, string), TensorEntry> Projections(
        LayoutFamily family,
        IEnumerable<TensorEntry> tensors,
        Lazy<HashSet<ContainerEntry>> moments)
    {
        var projections = new Dictionary<(ContainerEntry, string), TensorEntry>();
        foreach (var item in family.Projection is { } projection ? Find(projection, tensors, moments, suffix => suffix.Length == 0) : [])
        {
            projections.TryAdd((item.Scope, item.Prefix), item.Tensor);
        }

        return projections;
    }

    /// <summary>The suffixes of each module, where one of them asks for the others: nearly no checkpoint's does.</summary>
    private static Dictionary<(ContainerEntry, string), HashSet<string>> Siblings(LayoutFamily family, List<FoundName> found, List<FoundName> beside) =>
        found.Exists(item => family.HasSiblingRule(item.Suffix))
            ? found.Concat(beside)
                .GroupBy(item => (item.Scope, item.Prefix))
                .ToDictionary(group => group.Key, group => group.Select(item => item.Suffix).ToHashSet())
            : [];

    private static List<FoundName> Find(string module, IEnumerable<TensorEntry> tensors, Lazy<HashSet<ContainerEntry>> moments, Func<string, bool> isWanted)
    {
        var found = new List<FoundName>();
        foreach (var tensor in tensors)
        {
            if (tensor.Name is { } name && FusedNames.TrySplit(name.Text, module, out var prefix, out var suffix))
            {
                if (isWanted(suffix))
                {
                    found.Add(new FoundName(tensor, prefix, suffix, null));
                }
            }
            else if (SpreadName.Find(tensor, module) is { } spread && isWanted(spread.Suffix) && !moments.Value.Contains(tensor.Container))
            {
                found.Add(new FoundName(tensor, spread.Prefix, spread.Suffix, spread));
            }
        }

        return found;
    }

    private readonly record struct FoundName(TensorEntry Tensor, string Prefix, string Suffix, SpreadName? Spread)
    {
        /// <summary>What holds the tensors of its model.</summary>
        public ContainerEntry Scope => Spread?.Scope ?? Tensor.Container;

        /// <summary>What the tensors of one model have in common: its scope, and what stands before the numbers of its blocks.</summary>
        public (ContainerEntry Scope, string Front) Model => (Scope, Prefix.TrimEnd('.').TrimEnd(Digits));
    }
}
