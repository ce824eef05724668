using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Knows by its shape what can be made of fused tensors: stacked along any axis, joined along one, flattened, transposed, or with
/// their rows spread over several axes. What is asked for is taken apart and looked up, so that no question goes through all shapes.
/// </summary>
internal sealed class ReshapedFused
{
    /// <summary>How many fused tensors have a shape.</summary>
    private readonly Dictionary<string, long> counts = [];

    /// <summary>For each shape and one of its axes, the shape without that axis, the sizes that the axis has.</summary>
    private readonly Dictionary<string, HashSet<long>> alongAxes = [];

    /// <summary>The vectors that fused matrices make, some of them one behind the other.</summary>
    private readonly HashSet<long> rows = [];
    private readonly HashSet<string> explained;
    private readonly bool hasMatrix;

    /// <summary>Takes the shapes.</summary>
    /// <param name="fused">The fused tensors whose rows move.</param>
    /// <param name="others">The other parameters: what has the shape of one is taken for a copy of that, if it is no stack of matrices.</param>
    public ReshapedFused(IEnumerable<TensorEntry> fused, IEnumerable<TensorEntry> others)
    {
        explained = [.. others.Select(ParameterOrder.ShapeOf)];
        foreach (var tensor in fused)
        {
            var shape = tensor.Shape;
            var count = counts[Text(shape)] = counts.GetValueOrDefault(Text(shape)) + 1;
            hasMatrix |= shape.Count == 2;
            if (shape.Count > 1 && Times(tensor.ElementCount, count) is { } elements)
            {
                rows.Add(elements);
            }

            for (var axis = 0; axis < shape.Count; axis++)
            {
                if (!alongAxes.TryGetValue(WithHole(shape, axis), out var joined))
                {
                    alongAxes.Add(WithHole(shape, axis), joined = []);
                }

                // The n-th tensor of a shape adds what n of them make.
                if (count > 1 && Times(shape[axis], count) is { } size)
                {
                    joined.Add(size);
                }
            }
        }
    }

    /// <summary>Whether what has some sizes can be made of some of them.</summary>
    public bool IsOne(IReadOnlyList<long> sizes)
    {
        if (sizes.Count == 3 && hasMatrix && Enumerable.Range(0, 3).Any(axis => counts.ContainsKey(Text(sizes.Where((_, i) => i != axis)))))
        {
            return true;
        }

        return !explained.Contains(Text(sizes)) && (IsJoined(sizes) || IsFlat(sizes) || IsTurned(sizes) || IsCut(sizes));
    }

    private bool IsJoined(IReadOnlyList<long> sizes) =>
        sizes.Count <= 2
        && Enumerable.Range(0, sizes.Count).Any(axis => alongAxes.TryGetValue(WithHole(sizes, axis), out var joined) && joined.Contains(sizes[axis]));

    private bool IsFlat(IReadOnlyList<long> sizes) => sizes.Count == 1 && rows.Contains(sizes[0]);

    private bool IsTurned(IReadOnlyList<long> sizes) => sizes.Count == 2 && sizes[0] != sizes[1] && counts.ContainsKey(Text([sizes[1], sizes[0]]));

    /// <summary>Whether all axes but the last make the rows of a matrix; the sizes of an array may be any numbers.</summary>
    private bool IsCut(IReadOnlyList<long> sizes)
    {
        if (!hasMatrix || sizes.Count < 3)
        {
            return false;
        }

        var all = 1L;
        foreach (var size in sizes.SkipLast(1))
        {
            if (size <= 0 || all > long.MaxValue / size)
            {
                return false;
            }

            all *= size;
        }

        return counts.ContainsKey(Text([all, sizes[^1]]));
    }

    /// <summary>Some times a size; null for nothing, and for more than any size.</summary>
    private static long? Times(long size, long count) => size > 0 && size <= long.MaxValue / count ? size * count : null;

    private static string WithHole(IReadOnlyList<long> shape, int axis) => Text(shape.Select((size, i) => i == axis ? -1 : size));

    private static string Text(IEnumerable<long> sizes) => string.Join('x', sizes);
}
