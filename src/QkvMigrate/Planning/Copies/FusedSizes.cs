namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Says by its sizes whether a tensor may hold the elements of fused ones in another form than theirs: several of them one behind
/// the other or beside one another, in one row, the other way round, or cut into heads. Sizes that another parameter of the model
/// has are that one's, but for those of a stack of matrices. All sizes that can be made are worked out once, some for each fused
/// tensor, so that a question costs no more where there are many of them.
/// </summary>
internal sealed class FusedSizes
{
    private readonly Dictionary<string, IReadOnlyList<long>> shapes = [];
    private readonly Dictionary<string, string> made = [];
    private readonly IReadOnlySet<string> others;
    private readonly HashSet<int> ranks;

    /// <summary>Works out what can be made.</summary>
    /// <param name="fused">The shape of each fused tensor, each of the model's tensors once.</param>
    /// <param name="others">The shapes of the model's other parameters.</param>
    public FusedSizes(IEnumerable<IReadOnlyList<long>> fused, IReadOnlySet<string> others)
    {
        this.others = others;
        var counts = new Dictionary<string, int>();
        foreach (var shape in fused)
        {
            var key = Key(shape);
            shapes.TryAdd(key, shape);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        ranks = [.. shapes.Values.Select(shape => shape.Count)];
        foreach (var (key, shape) in shapes)
        {
            AddJoined(shape, counts[key]);
        }

        foreach (var (key, shape) in shapes)
        {
            AddInOneRow(shape, counts[key]);
            if (shape is [var rows, var columns] && rows != columns)
            {
                made.TryAdd(Key([columns, rows]), In("the transpose of a tensor", shape));
            }
        }
    }

    /// <summary>What a tensor of some sizes may be, in words; null where nothing says so.</summary>
    public string? FormOf(IReadOnlyList<long> sizes)
    {
        if (StackedIn(sizes) is { } one)
        {
            return In("a stack of tensors", one);
        }

        var key = Key(sizes);
        return others.Contains(key) ? null : made.GetValueOrDefault(key) ?? HeadsIn(sizes);
    }

    /// <summary>The shape of the matrices that sizes are a stack of, along any dimension.</summary>
    private IReadOnlyList<long>? StackedIn(IReadOnlyList<long> sizes) => sizes.Count < 3 || !ranks.Contains(sizes.Count - 1)
        ? null
        : Enumerable.Range(0, sizes.Count)
            .Select(i => shapes.GetValueOrDefault(Key(sizes.Where((_, at) => at != i))))
            .FirstOrDefault(shape => shape is not null);

    /// <summary>
    /// The matrix whose rows stand in several dimensions. The sizes of an array may be any numbers, and their product more than any.
    /// </summary>
    private string? HeadsIn(IReadOnlyList<long> sizes)
    {
        if (sizes.Count < 3)
        {
            return null;
        }

        var rows = sizes.SkipLast(1).Aggregate((Int128)1, (product, size) => product > long.MaxValue ? product : product * size);
        return rows <= long.MaxValue && shapes.TryGetValue(Key([(long)rows, sizes[^1]]), out var shape) ? In("the heads of a tensor", shape) : null;
    }

    /// <summary>Along one dimension some times the size, no more than the model has of them; all others the same.</summary>
    private void AddJoined(IReadOnlyList<long> shape, int count)
    {
        for (var i = 0; i < shape.Count; i++)
        {
            var sizes = shape.ToArray();
            for (var parts = 2; parts <= count && shape[i] is > 0 and var one && one <= long.MaxValue / parts; parts++)
            {
                sizes[i] = one * parts;
                made.TryAdd(Key(sizes), In("several tensors beside one another", shape));
            }
        }
    }

    private void AddInOneRow(IReadOnlyList<long> shape, int count)
    {
        var elements = shape.Aggregate(1L, (product, size) => product * size);
        for (var parts = 1; shape.Count > 1 && elements > 0 && parts <= count && elements <= long.MaxValue / parts; parts++)
        {
            made.TryAdd(Key([elements * parts]), In("all elements of tensors", shape));
        }
    }

    private static string In(string form, IReadOnlyList<long> shape) => $"{form} of the shape ({string.Join(", ", shape)}) of fused ones";

    private static string Key(IEnumerable<long> sizes) => string.Join(',', sizes);
}
