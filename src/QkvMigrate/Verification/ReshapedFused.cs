using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Knows by its shape what can be made of fused tensors: stacked along any axis, joined along one, flattened, transposed, or with
/// their rows spread over several axes.
/// </summary>
internal sealed class ReshapedFused
{
    private readonly Dictionary<string, (IReadOnlyList<long> Sizes, long Count)> shapes = [];
    private readonly HashSet<string> explained;

    /// <summary>Takes the shapes.</summary>
    /// <param name="fused">The fused tensors whose rows move.</param>
    /// <param name="others">The other parameters: what has the shape of one is taken for a copy of that, if it is no stack of matrices.</param>
    public ReshapedFused(IEnumerable<TensorEntry> fused, IEnumerable<TensorEntry> others)
    {
        explained = [.. others.Select(ParameterOrder.ShapeOf)];
        foreach (var tensor in fused)
        {
            var shape = ParameterOrder.ShapeOf(tensor);
            shapes[shape] = (tensor.Shape, shapes.GetValueOrDefault(shape).Count + 1);
        }
    }

    /// <summary>Whether what has some sizes can be made of some of them.</summary>
    public bool IsOne(IReadOnlyList<long> sizes) =>
        shapes.Values.Any(item => IsStack(sizes, item.Sizes) || (!explained.Contains(string.Join('x', sizes)) && CanBe(sizes, item.Sizes, item.Count)));

    private static bool IsStack(IReadOnlyList<long> sizes, IReadOnlyList<long> one)
    {
        if (one.Count < 2 || sizes.Count != one.Count + 1)
        {
            return false;
        }

        // The axis that was added stands before the first one that is out of place.
        var at = 0;
        while (at < one.Count && sizes[at] == one[at])
        {
            at++;
        }

        return sizes.Skip(at + 1).SequenceEqual(one.Skip(at));
    }

    private static bool CanBe(IReadOnlyList<long> sizes, IReadOnlyList<long> one, long count)
    {
        if (one.Count == 1)
        {
            return sizes.Count == 1 && Ratio(sizes[0], one[0]) is >= 2 and var parts && parts <= count;
        }

        if (sizes.Count == 1)
        {
            return Ratio(sizes[0], one.Aggregate(1L, (all, size) => all * size)) is >= 1 and var whole && whole <= count;
        }

        if (sizes.Count == one.Count)
        {
            var unlike = Enumerable.Range(0, one.Count).Where(i => sizes[i] != one[i]).ToList();
            var isJoined = unlike.Count == 1 && Ratio(sizes[unlike[0]], one[unlike[0]]) is >= 2 and var joined && joined <= count;
            return isJoined || (one.Count == 2 && unlike.Count == 2 && sizes[0] == one[1] && sizes[1] == one[0]);
        }

        if (one.Count != 2 || sizes.Count < 3 || sizes[^1] != one[1])
        {
            return false;
        }

        // Divided out axis by axis, since the sizes of an array may be any numbers.
        var rows = one[0];
        foreach (var size in sizes.SkipLast(1))
        {
            if (size <= 0 || rows % size != 0)
            {
                return false;
            }

            rows /= size;
        }

        return rows == 1;
    }

    /// <summary>How many times one size is in another; 0 where it is not a whole number of times.</summary>
    private static long Ratio(long size, long one) => one > 0 && size % one == 0 ? size / one : 0;
}
