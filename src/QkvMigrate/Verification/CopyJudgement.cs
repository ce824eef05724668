using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Tells whether a tensor with a number is a copy of a fused parameter. It is where the tensors of its sequence are the parameters
/// of a model: as many, of the same shapes, in the same order. It is too where they are some of the parameters, and their shapes,
/// or shapes and order, leave no choice.
/// </summary>
/// <param name="orders">The parameters of the models in the file.</param>
/// <param name="members">The tensors of the sequences.</param>
internal sealed class CopyJudgement(IReadOnlyList<ParameterOrder> orders, NumberedTensors members)
{
    private const int MostModels = 16;
    private const long MostWork = 1L << 27;

    private readonly Dictionary<NumberSequence, Dictionary<TensorEntry, bool>?> answers = [];
    private long work;

    /// <summary>Whether the tensor is a copy of a fused one; null where that cannot be told.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="sequences">What gives it a number, at least one.</param>
    public bool? IsCopy(TensorEntry tensor, List<NumberSequence> sequences)
    {
        foreach (var sequence in sequences)
        {
            if (!answers.TryGetValue(sequence, out var known))
            {
                answers.Add(sequence, known = Answer(sequence));
            }

            if (known is not null && known.TryGetValue(tensor, out var isFused))
            {
                return isFused;
            }
        }

        return tensor.Shape.Count > 1 || MayBeAllOfItsShape(tensor, sequences[0]) ? null : false;
    }

    /// <summary>Whether as many tensors of this shape stand together as a model has fused ones.</summary>
    private bool MayBeAllOfItsShape(TensorEntry tensor, NumberSequence sequence)
    {
        var shape = ParameterOrder.ShapeOf(tensor);
        return orders.Any(
            order => order.FusedOf(shape) is > 0 and var count && members.Of(sequence).Count(member => ParameterOrder.ShapeOf(member) == shape) >= count);
    }

    /// <summary>Which members of a sequence are copies of fused tensors; null where the models do not tell.</summary>
    private Dictionary<TensorEntry, bool>? Answer(NumberSequence sequence)
    {
        work += orders.Sum(order => (long)order.Count);
        if (orders.Count > MostModels || work > MostWork)
        {
            return null;
        }

        var tensors = members.Of(sequence);
        var areWeights = tensors.Exists(TensorNumbers.IsWeight);
        if (Agreed(tensors.ConvertAll(ParameterOrder.ShapeOf), areWeights) is { } each)
        {
            return Pairs(tensors.Zip(each));
        }

        // Each item of the container may hold several tensors of one parameter.
        var items = tensors.GroupBy(member => ItemOf(member, sequence.Container)).ToList();
        if (items.Exists(item => item.Key is null || item.Select(ParameterOrder.ShapeOf).Distinct().Skip(1).Any()))
        {
            return null;
        }

        return Agreed(items.ConvertAll(item => ParameterOrder.ShapeOf(item.First())), areWeights) is { } ofItems
            ? Pairs(items.Zip(ofItems).SelectMany(pair => pair.First.Select(member => (member, pair.Second))))
            : null;
    }

    private static Dictionary<TensorEntry, bool> Pairs(IEnumerable<(TensorEntry Tensor, bool IsFused)> pairs)
    {
        var fused = new Dictionary<TensorEntry, bool>(ReferenceEqualityComparer.Instance);
        foreach (var (tensor, isFused) in pairs)
        {
            fused.Add(tensor, isFused);
        }

        return fused;
    }

    /// <summary>What all models say that have such parameters; null where none has, or two differ.</summary>
    private bool[]? Agreed(List<string> shapes, bool areWeights)
    {
        var said = orders.Select(order => order.Recognise(shapes, areWeights)).OfType<bool[]>().ToList();
        return said.Count > 0 && said.TrueForAll(answer => answer.AsSpan().SequenceEqual(said[0])) ? said[0] : null;
    }

    /// <summary>What holds the tensor in <paramref name="container"/> itself, or null.</summary>
    private static ContainerEntry? ItemOf(TensorEntry tensor, ContainerEntry container)
    {
        var at = (ContainerEntry?)tensor.Container;
        for (var i = 0; i < TensorNumbers.Around && at is not null && at.Parent != container; i++)
        {
            at = at.Parent;
        }

        return at;
    }
}
