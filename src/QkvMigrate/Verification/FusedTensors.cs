using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>The tensors under the fused attention modules of a checkpoint, by the verifier's own reading of their names.</summary>
internal static class FusedTensors
{
    private const string QuantizedWeight = "qweight";

    /// <summary>The tensors under modules of one layout, in the checkpoint's order.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="layout">The layout.</param>
    /// <param name="otherShards">The tensors in the other files of the same model, where it has several: a module may be cut in two.</param>
    public static List<FusedEntry> Of(Checkpoint checkpoint, VerifiedLayout layout, IReadOnlyList<TensorEntry> otherShards)
    {
        var named = Named(checkpoint, layout).ToList();
        var quantized = named.Select(item => (item.Tensor, item.Name))
            .Concat(Named(otherShards, layout))
            .Where(item => item.Name.Suffix == QuantizedWeight)
            .Select(item => ModuleOf(item.Tensor, item.Name))
            .ToHashSet();
        var models = named.Exists(item => item.Tensor.ElementCount == 1)
            ? named.Where(item => item.Tensor.ElementCount != 1).Select(item => ModelOf(item.Tensor, item.Name, item.Spread)).ToHashSet()
            : [];
        return named.ConvertAll(item =>
        {
            var isAutoGptq = quantized.Contains(ModuleOf(item.Tensor, item.Name));
            var known = FusedAxis.TryFind(item.Name.Suffix, item.Tensor.Shape.Count, isAutoGptq, out var axis);

            // One number for a whole parameter, a norm or a scale, has no rows.
            var isNumber = item.Tensor.ElementCount == 1
                && !models.Contains(ModelOf(item.Tensor, item.Name, item.Spread))
                && FusedAxis.TryFind(item.Name.Suffix, 1, isAutoGptq, out _);
            return new FusedEntry(item.Tensor, item.Name, isNumber ? null : axis, known || isNumber) { Spread = item.Spread };
        });
    }

    /// <summary>Whether a file has tensors under modules of one layout.</summary>
    public static bool Any(Checkpoint checkpoint, VerifiedLayout layout) => Named(checkpoint, layout).Any();

    /// <summary>What the shapes of <paramref name="fused"/> say about the geometry.</summary>
    public static IReadOnlyList<AttentionShape> Shapes(Checkpoint checkpoint, IEnumerable<FusedEntry> fused, IReadOnlyList<TensorEntry> otherShards)
    {
        var projections = new Dictionary<(string Container, string Block), long>();
        foreach (var tensor in checkpoint.Tensors.Concat(otherShards))
        {
            if (tensor is { Name.Text: var key, Shape: [_, var columns] } && FusedName.BlockOfProjection(key) is { } block)
            {
                projections.TryAdd((tensor.Container.Path, block), columns);
            }
        }

        var shapes = new List<AttentionShape>();
        foreach (var item in fused)
        {
            if (item is { IsKnown: true, Axis: { IsPacked: false, Dimension: var dimension } })
            {
                var hasColumns = projections.TryGetValue((item.Tensor.Container.Path, item.Name.Prefix), out var columns);
                shapes.Add(new AttentionShape(item.Tensor.Label, item.Tensor.Shape[dimension], hasColumns ? columns : null));
            }
        }

        return shapes;
    }

    /// <summary>What the names of one model share: the container that the model is in, and all that stands before a block's number.</summary>
    private static (ContainerEntry Container, string Front) ModelOf(TensorEntry tensor, FusedName name, SpreadFusedName? spread) =>
        (spread?.Model ?? tensor.Container, name.Prefix[..(name.Prefix.LastIndexOf('.') + 1)]);

    private static (string Container, string Prefix) ModuleOf(TensorEntry tensor, FusedName name) => (tensor.Container.Path, name.Prefix);

    /// <summary>The tensors whose keys stand under modules of one layout.</summary>
    private static IEnumerable<(TensorEntry Tensor, FusedName Name)> Named(IEnumerable<TensorEntry> tensors, VerifiedLayout layout)
    {
        foreach (var tensor in tensors)
        {
            if (tensor.Name is { } key && FusedName.Find(key.Text, layout) is { Suffix.Length: > 0 } name)
            {
                yield return (tensor, name);
            }
        }
    }

    /// <summary>The same, and those whose names are spread; what an optimizer keeps has its parameter's name, and is none.</summary>
    private static IEnumerable<(TensorEntry Tensor, FusedName Name, SpreadFusedName? Spread)> Named(Checkpoint checkpoint, VerifiedLayout layout)
    {
        var states = new Lazy<HashSet<ContainerEntry>>(() => [.. checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers)]);
        foreach (var tensor in checkpoint.Tensors)
        {
            if (tensor.Name is { } key && FusedName.Find(key.Text, layout) is { } name)
            {
                if (name.Suffix.Length > 0)
                {
                    yield return (tensor, name, null);
                }
            }
            else if (SpreadFusedName.Find(tensor, layout) is { } spread && !states.Value.Contains(tensor.Container))
            {
                yield return (tensor, spread.Name, spread);
            }
        }
    }
}
