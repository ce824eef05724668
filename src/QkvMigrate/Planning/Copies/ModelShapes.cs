using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>The shapes of a model's parameters in their order, and which of them are fused: what copies without names are matched to.</summary>
internal sealed class ModelShapes
{
    private readonly string[] shapes;
    private readonly bool[] isFused;
    private readonly int[] fusedBefore;
    private readonly Dictionary<string, List<int>> places = [];
    private readonly bool hasOrder;

    /// <summary>Takes the shapes of a model.</summary>
    /// <param name="model">Its tensors, in its order.</param>
    /// <param name="fused">The views of those whose rows move.</param>
    /// <param name="hasOrder">Whether the file has them in the order of the model; safetensors sorts them.</param>
    public ModelShapes(IEnumerable<TensorEntry> model, IReadOnlySet<ElementKey> fused, bool hasOrder)
    {
        this.hasOrder = hasOrder;
        var tensors = model.Where(tensor => tensor.ElementCount > 1).ToList();
        shapes = [.. tensors.Select(ElementKey.ShapeOf)];
        isFused = [.. tensors.Select(tensor => fused.Contains(ElementKey.Of(tensor)))];
        fusedBefore = new int[shapes.Length];
        for (var i = 0; i < shapes.Length; i++)
        {
            if (!places.TryGetValue(shapes[i], out var list))
            {
                places.Add(shapes[i], list = []);
            }

            // Counted among those of the same shape.
            fusedBefore[i] = list.Count == 0 ? 0 : fusedBefore[list[^1]] + (isFused[list[^1]] ? 1 : 0);
            list.Add(i);
        }

        foreach (var tensor in tensors)
        {
            Elements += tensor.ElementCount;
        }
    }

    /// <summary>How many parameters the model has.</summary>
    public int Count => shapes.Length;

    /// <summary>How many elements the model has.</summary>
    public Int128 Elements { get; }

    /// <summary>What tells two models apart here.</summary>
    public string Signature => string.Join(';', shapes.Zip(isFused, (shape, moves) => moves ? $"{shape}*" : shape));

    /// <summary>How many fused tensors have <paramref name="shape"/>.</summary>
    public int FusedCount(string shape) =>
        places.TryGetValue(shape, out var list) ? fusedBefore[list[^1]] + (isFused[list[^1]] ? 1 : 0) : 0;

    /// <summary>
    /// Says which tensors of a copy are fused, or null where that is not proven. Two things prove it:
    /// </summary>
    /// <remarks>
    /// <list type="number">
    /// <item>The copy has the shapes of the model's tensors, all of them, in the same order.</item>
    /// <item>
    /// No shape stands more often than in the model, and the copy has three tensors of two shapes, or all fused tensors of their
    /// shapes; the latter alone says nothing of what is no weight, such as batches of tokens. Then a tensor is fused where every
    /// parameter of its shape is, or every one that the order leaves to it.
    /// </item>
    /// </list>
    /// </remarks>
    /// <param name="copy">The shapes of the copy's tensors.</param>
    /// <param name="areWeights">Whether there are weights among them.</param>
    public bool[]? Match(IReadOnlyList<string> copy, bool areWeights)
    {
        if (hasOrder && copy.SequenceEqual(shapes))
        {
            return isFused;
        }

        var counts = copy.CountBy(shape => shape).ToDictionary();
        if (counts.Any(shape => shape.Value > places.GetValueOrDefault(shape.Key, []).Count) || !IsSubstantial(copy.Count, counts, areWeights))
        {
            return null;
        }

        var windows = new Lazy<(int[] First, int[] Last)?>(() => hasOrder ? Windows(copy) : null);
        var result = new bool[copy.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var all = places[copy[i]];
            var moving = FusedCount(copy[i]);
            if (moving > 0 && moving < all.Count)
            {
                if (windows.Value is not { } window)
                {
                    return null;
                }

                var (first, last) = (all.BinarySearch(window.First[i]), all.BinarySearch(window.Last[i]));
                all = all[first..(last + 1)];
                moving = fusedBefore[all[^1]] + (isFused[all[^1]] ? 1 : 0) - fusedBefore[all[0]];
                if (moving > 0 && moving < all.Count)
                {
                    return null;
                }
            }

            result[i] = moving > 0;
        }

        return result;
    }

    private bool IsSubstantial(int count, Dictionary<string, int> counts, bool areWeights) =>
        (count >= 3 && counts.Count >= 2)
        || (areWeights && counts.Where(shape => FusedCount(shape.Key) > 0).All(shape => shape.Value == FusedCount(shape.Key)));

    /// <summary>The first and the last parameter that each tensor of the copy can be, where both are in one order; null where they are not.</summary>
    private (int[] First, int[] Last)? Windows(IReadOnlyList<string> copy)
    {
        var (first, last) = (new int[copy.Count], new int[copy.Count]);
        for (var (i, at) = (0, 0); i < copy.Count; i++, at++)
        {
            while (at < shapes.Length && shapes[at] != copy[i])
            {
                at++;
            }

            if (at == shapes.Length)
            {
                return null;
            }

            first[i] = at;
        }

        for (var (i, at) = (copy.Count - 1, shapes.Length - 1); i >= 0; i--, at--)
        {
            while (shapes[at] != copy[i])
            {
                at--;
            }

            last[i] = at;
        }

        return (first, last);
    }
}
