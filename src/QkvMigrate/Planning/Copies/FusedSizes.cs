namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Says by its sizes whether a tensor may hold the elements of fused ones in another form than theirs: several of them one behind
/// the other or beside one another, in one row, the other way round, or cut into heads. Sizes that another parameter of the model
/// has are that one's, but for those of a stack of matrices.
/// </summary>
/// <param name="fused">The shape of each fused tensor, each of the model's tensors once.</param>
/// <param name="others">The shapes of the model's other parameters.</param>
internal sealed class FusedSizes(IEnumerable<IReadOnlyList<long>> fused, IReadOnlySet<string> others)
{
    private readonly List<(IReadOnlyList<long> Shape, int Count)> shapes =
        [.. fused.GroupBy(shape => string.Join(',', shape)).Select(group => (group.First(), group.Count()))];

    /// <summary>What a tensor of some sizes may be, in words; null where nothing says so.</summary>
    public string? FormOf(IReadOnlyList<long> sizes)
    {
        foreach (var (shape, count) in shapes)
        {
            if (FormOf(sizes, shape, count) is { } form)
            {
                return $"{form} of the shape ({string.Join(", ", shape)}) of fused ones";
            }
        }

        return null;
    }

    private string? FormOf(IReadOnlyList<long> sizes, IReadOnlyList<long> shape, int count)
    {
        if (shape.Count > 1 && sizes.Count == shape.Count + 1 && Enumerable.Range(0, sizes.Count).Any(i => sizes.Where((_, at) => at != i).SequenceEqual(shape)))
        {
            return "a stack of tensors";
        }

        if (others.Contains(string.Join(',', sizes)))
        {
            return null;
        }

        return IsJoined(sizes, shape, count) ? "several tensors beside one another"
            : shape.Count > 1 && sizes is [var length] && IsTimes(length, shape.Aggregate(1L, (product, size) => product * size), 1, count) ? "all elements of tensors"
            : shape.Count == 2 && shape[0] != shape[1] && sizes.SequenceEqual([shape[1], shape[0]]) ? "the transpose of a tensor"
            : shape.Count == 2 && sizes.Count > 2 && sizes[^1] == shape[1] && Product(sizes.SkipLast(1)) == shape[0] ? "the heads of a tensor"
            : null;
    }

    /// <summary>A product of sizes, or more than any size where it is that: those of an array may be any numbers.</summary>
    private static Int128 Product(IEnumerable<long> sizes) => sizes.Aggregate((Int128)1, (product, size) => product > long.MaxValue ? product : product * size);

    /// <summary>Along one dimension some times the size, no more than the model has of them; all others the same.</summary>
    private static bool IsJoined(IReadOnlyList<long> sizes, IReadOnlyList<long> shape, int count) =>
        sizes.Count == shape.Count
        && sizes.Zip(shape).Where(pair => pair.First != pair.Second).ToList() is [var (size, one)]
        && IsTimes(size, one, 2, count);

    private static bool IsTimes(long size, long one, int least, int most) => one > 0 && size % one == 0 && size / one >= least && size / one <= most;
}
