using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Proves which tensors of a sequence without names are copies of fused ones: by the order and the shapes of all tensors of
/// the sequence, held against every model of the file (<see cref="ModelShapes.Match"/>).
/// </summary>
/// <param name="models">The models of the file.</param>
/// <param name="members">Finds the tensors of a sequence.</param>
internal sealed class CopyProofs(IReadOnlyList<ModelShapes> models, SequenceMembers members)
{
    /// <summary>More models of different shapes in one file than this are not told apart.</summary>
    private const int Models = 16;

    /// <summary>Parameters that copies are held against in all: a file has a few copies, and its parameters some hundreds.</summary>
    private const long Work = 1L << 27;

    private readonly Dictionary<UnnamedSequence, Dictionary<TensorEntry, bool>?> proofs = [];
    private readonly Dictionary<(UnnamedSequence, string), int> counts = [];
    private long work;

    /// <summary>Whether a tensor is a copy of a fused one; null where nothing proves that it is or is not.</summary>
    /// <param name="tensor">A tensor of the shape of a fused one, in a sequence at least.</param>
    public bool? IsFused(TensorEntry tensor)
    {
        foreach (var sequence in UnnamedTensors.Around(tensor))
        {
            if (!proofs.TryGetValue(sequence, out var proof))
            {
                proofs.Add(sequence, proof = Prove(members.Of(sequence), sequence.Container));
            }

            if (proof is not null && proof.TryGetValue(tensor, out var isFused))
            {
                return isFused;
            }
        }

        return null;
    }

    /// <summary>Whether the nearest sequence that a tensor is in has its shape as often as a model has fused tensors of it.</summary>
    public bool IsAsOftenAsFused(TensorEntry tensor)
    {
        var (sequence, shape) = (UnnamedTensors.Around(tensor)[0], ElementKey.ShapeOf(tensor));
        if (!counts.TryGetValue((sequence, shape), out var count))
        {
            counts.Add((sequence, shape), count = members.Of(sequence).Count(tensor => ElementKey.ShapeOf(tensor) == shape));
        }

        return models.Any(model => model.FusedCount(shape) is > 0 and var fused && count >= fused);
    }

    /// <summary>Which tensors of a sequence are fused: each tensor is a parameter, or each item of the container is one.</summary>
    private Dictionary<TensorEntry, bool>? Prove(List<TensorEntry> tensors, ContainerEntry container)
    {
        work += models.Sum(model => (long)model.Count);
        if (models.Count > Models || work > Work)
        {
            return null;
        }

        var areWeights = tensors.Exists(UnnamedTensors.IsWeight);
        if (Match([.. tensors.Select(ElementKey.ShapeOf)], areWeights) is { } each)
        {
            return Pair(tensors, each);
        }

        return ItemsOf(tensors, container) is { } items && Match(items.Shapes, areWeights) is { } found
            ? Pair(tensors, items.Ordinals.ConvertAll(ordinal => found[ordinal]))
            : null;
    }

    /// <summary>
    /// The items of a container, each a run of its tensors: the shape of each item, and the ordinal of each tensor's item. Null
    /// where a tensor is in no item, or an item has tensors of two shapes, which would be two parameters'.
    /// </summary>
    private static (List<string> Shapes, List<int> Ordinals)? ItemsOf(List<TensorEntry> tensors, ContainerEntry container)
    {
        var (shapes, ordinals) = (new List<string>(), new List<int>());
        ContainerEntry? current = null;
        foreach (var tensor in tensors)
        {
            var shape = ElementKey.ShapeOf(tensor);
            if (ItemOf(tensor, container) is not { } item || (item == current && shapes[^1] != shape))
            {
                return null;
            }

            if (item != current)
            {
                shapes.Add(shape);
                current = item;
            }

            ordinals.Add(shapes.Count - 1);
        }

        return (shapes, ordinals);
    }

    /// <summary>Which of <paramref name="shapes"/> are fused, by the models of which they can be a copy; null where there are none, or they differ.</summary>
    private bool[]? Match(List<string> shapes, bool areWeights)
    {
        bool[]? found = null;
        foreach (var match in models.Select(model => model.Match(shapes, areWeights)))
        {
            if (match is not null && found is not null && !match.SequenceEqual(found))
            {
                return null;
            }

            found = match ?? found;
        }

        return found;
    }

    private static Dictionary<TensorEntry, bool> Pair(List<TensorEntry> tensors, IReadOnlyList<bool> isFused)
    {
        var pairs = new Dictionary<TensorEntry, bool>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < tensors.Count; i++)
        {
            pairs.Add(tensors[i], isFused[i]);
        }

        return pairs;
    }

    private static ContainerEntry? ItemOf(TensorEntry tensor, ContainerEntry container) =>
        UnnamedTensors.Outwards(tensor.Container).FirstOrDefault(at => at.Parent == container);
}
