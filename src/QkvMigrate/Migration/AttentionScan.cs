using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Migration.Copies;

namespace QkvMigrate.Migration;

/// <summary>What the names in a checkpoint say about its fused attention.</summary>
public enum CheckpointLayout
{
    /// <summary>No fused attention at all.</summary>
    None,

    /// <summary>LitGPT before 0.5.4: interleaved rows under <c>attn.attn</c>.</summary>
    Interleaved,

    /// <summary>LitGPT since 0.5.4: sequential rows under <c>attn.qkv</c>.</summary>
    Sequential,

    /// <summary>nanoGPT or lit-llama: sequential rows under <c>attn.c_attn</c>.</summary>
    Foreign,
}

/// <summary>A tensor of a fused attention module.</summary>
/// <param name="Tensor">The tensor; it has a name.</param>
/// <param name="Prefix">The key before the module's name: wrappers, <c>transformer.h.N.</c>.</param>
/// <param name="Suffix">The key behind it.</param>
/// <param name="Rule">How it follows the order of the rows, or null where its suffix is none of LitGPT's.</param>
/// <param name="Projection">The block's <c>attn.proj.weight</c>, where it stands in the same container.</param>
public sealed record FusedTensor(TensorEntry Tensor, string Prefix, string Suffix, FusedTensorRule? Rule, TensorEntry? Projection)
{
    /// <summary>Where the name is spread over several places, or stands beside the tensor: that name.</summary>
    internal SpreadName? Spread { get; init; }

    /// <summary>What holds the tensors of its model.</summary>
    internal ContainerEntry Scope => Spread?.Scope ?? Tensor.Container;

    /// <summary>The dimension along which the fused rows stand, or null where the tensor has none of them.</summary>
    public int? Dimension => Rule?.Dimension is not { } dimension ? null : dimension >= 0 ? dimension : Tensor.Shape.Count + dimension;
}

/// <summary>The fused attention tensors of a checkpoint and the layout that their names stand for.</summary>
public sealed class AttentionScan
{
    private static readonly HashSet<string> NoSuffixes = [];

    private AttentionScan(CheckpointLayout layout, IReadOnlyList<FusedTensor> fused)
    {
        Layout = layout;
        Fused = fused;
    }

    /// <summary>The layout.</summary>
    public CheckpointLayout Layout { get; }

    /// <summary>The tensors under that layout's module name, in the checkpoint's order.</summary>
    public IReadOnlyList<FusedTensor> Fused { get; }

    /// <summary>Looks at every tensor's name.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="otherShards">The tensors in the other files of the same model, where it has several: a block may be cut in two.</param>
    /// <exception cref="MigrationException">Old and new names stand in one file.</exception>
    public static AttentionScan Of(Checkpoint checkpoint, IReadOnlyList<TensorEntry>? otherShards = null)
    {
        var root = checkpoint.Tensors.Select(tensor => tensor.Container).FirstOrDefault(container => container.Path.Length == 0);
        var beside = root is null ? [] : (otherShards ?? []).Where(tensor => tensor.Container.Path.Length == 0).Select(tensor => tensor with { Container = root }).ToList();
        var moments = new Lazy<HashSet<ContainerEntry>>(() => [.. checkpoint.Optimizers.SelectMany(optimizer => optimizer.Parameters).SelectMany(parameter => parameter.State).Select(state => state.Container)]);
        var projections = new Dictionary<(ContainerEntry, string), TensorEntry>();
        foreach (var item in Find(FusedNames.Projection, checkpoint.Tensors.Concat(beside), moments, suffix => suffix.Length == 0))
        {
            projections.TryAdd((item.Scope, item.Prefix), item.Tensor);
        }

        var interleaved = Under(FusedNames.Interleaved, checkpoint, beside, projections, moments);
        var sequential = Under(FusedNames.Sequential, checkpoint, beside, projections, moments);
        if (interleaved.Count > 0 && sequential.Count > 0)
        {
            throw new MigrationException(
                FailureKind.Conflict,
                $"legacy and upgraded names stand in one file: {interleaved.Count} tensors under {FusedNames.Interleaved} and {sequential.Count} under {FusedNames.Sequential} (the first is '{sequential[0].Tensor.Label}'); which rows are in which order cannot be told",
                checkpoint.Source.Path,
                $"tensor '{interleaved[0].Tensor.Label}'");
        }

        return interleaved.Count > 0 ? new AttentionScan(CheckpointLayout.Interleaved, interleaved)
            : sequential.Count > 0 ? new AttentionScan(CheckpointLayout.Sequential, sequential)
            : Under(FusedNames.Foreign, checkpoint, beside, projections, moments) is { Count: > 0 } foreign ? new AttentionScan(CheckpointLayout.Foreign, foreign)
            : new AttentionScan(CheckpointLayout.None, []);
    }

    /// <summary>What the shapes say about the geometry: one entry for each tensor that has the fused rows.</summary>
    public IReadOnlyList<AttentionShape> Shapes() =>
        [.. from fused in Fused
            where fused.Rule is { IsPacked: false } && fused.Dimension is { } dimension && dimension >= 0 && dimension < fused.Tensor.Shape.Count
            select new AttentionShape(
                fused.Tensor.Label,
                fused.Tensor.Shape[fused.Dimension!.Value],
                fused.Projection is { Shape: [_, var columns] } ? columns : null)];

    private static List<FusedTensor> Under(string module, Checkpoint checkpoint, IReadOnlyList<TensorEntry> beside, Dictionary<(ContainerEntry, string), TensorEntry> projections, Lazy<HashSet<ContainerEntry>> moments)
    {
        var found = Find(module, checkpoint.Tensors, moments, suffix => suffix.Length > 0);
        var siblings = Siblings(found, Find(module, beside, moments, suffix => suffix.Length > 0));
        return [.. found.Select(item => new FusedTensor(
            item.Tensor,
            item.Prefix,
            item.Suffix,
            FusedNames.Rule(item.Suffix, siblings.GetValueOrDefault((item.Scope, item.Prefix), NoSuffixes)),
            projections.GetValueOrDefault((item.Scope, item.Prefix)))
        {
            Spread = item.Spread,
        })];
    }

    /// <summary>The suffixes of each module, where one of them asks for the others: nearly no checkpoint's does.</summary>
    private static Dictionary<(ContainerEntry, string), HashSet<string>> Siblings(List<FoundName> found, List<FoundName> beside) =>
        found.Exists(item => FusedNames.HasSiblingRule(item.Suffix))
            ? found.Concat(beside).GroupBy(item => (item.Scope, item.Prefix)).ToDictionary(group => group.Key, group => group.Select(item => item.Suffix).ToHashSet())
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
    }
}
