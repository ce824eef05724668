using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Finds the tensor, row and head that a byte of a storage belongs to. Its tables are made at the first difference: most files have none.</summary>
internal sealed class TensorPlaces(IReadOnlyList<TensorEntry> tensors, ExpectedChanges changes)
{
    private readonly Lazy<ILookup<string, TensorEntry>> byStorage = new(
        () => tensors.Where(tensor => !changes.Storages.Leaves(tensor)).ToLookup(tensor => tensor.Storage.Key));

    private readonly Lazy<Dictionary<TensorEntry, MovedView>> views = new(
        () => changes.Moved.ToDictionary<MovedView, TensorEntry>(view => view.Tensor, ReferenceEqualityComparer.Instance));

    /// <summary>Describes the byte.</summary>
    /// <param name="pair">The region that holds the byte.</param>
    /// <param name="at">The byte, from the start of the region.</param>
    /// <param name="next">The first byte behind the row, or behind <paramref name="at"/> where the row is not one piece.</param>
    public Difference Describe(RegionPair pair, long at, out long next)
    {
        next = at + 1;
        var offset = pair.After.Offset + at;
        at += pair.Start;
        foreach (var tensor in Candidates(pair))
        {
            var view = views.Value.GetValueOrDefault(tensor);
            var dimension = view?.Dimension ?? 0;
            if (Row(tensor, dimension, at) is not { } row)
            {
                continue;
            }

            if (tensor.Shape.Count > 0 && IsOnePiece(tensor, dimension))
            {
                next = RowStart(tensor, dimension, row) + (tensor.Strides[dimension] * tensor.DType.ItemSize) - pair.Start;
            }

            var difference = new Difference($"tensor '{tensor.Label}'", "")
            {
                Row = tensor.Shape.Count > 0 ? row : null,
                Offset = offset,
            };
            if (view is null)
            {
                return difference with { Problem = "the bytes are not the first file's" };
            }

            var origin = view.Origin(row);
            return difference with
            {
                Section = origin.Section,
                Head = origin.Head,
                QueryGroup = origin.QueryGroup,
                Problem = $"the bytes are not those of row {origin.Source} of the first file",
            };
        }

        return new Difference(pair.Place, "the bytes are not the first file's, and belong to no tensor") { Offset = offset };
    }

    /// <summary>The tensors that may look at a byte of the region, those that move first.</summary>
    private IEnumerable<TensorEntry> Candidates(RegionPair pair) =>
        pair.IsOwn ? [pair.Moved[0].Tensor]
        : pair.StorageKey is { } key ? byStorage.Value[key].OrderByDescending(views.Value.ContainsKey)
        : [];

    /// <summary>The index along a dimension of the element that holds a byte, or null where the byte is none of the tensor's.</summary>
    private static long? Row(TensorEntry tensor, int dimension, long at)
    {
        var element = (at / tensor.DType.ItemSize) - tensor.StorageOffset;
        if (element < 0 || tensor.ElementCount == 0)
        {
            return null;
        }

        var row = 0L;
        foreach (var i in Enumerable.Range(0, tensor.Shape.Count).Where(i => tensor.Strides[i] > 0).OrderByDescending(i => tensor.Strides[i]))
        {
            var index = Math.Min(element / tensor.Strides[i], tensor.Shape[i] - 1);
            element -= index * tensor.Strides[i];
            row = i == dimension ? index : row;
        }

        return element == 0 ? row : null;
    }

    private static bool IsOnePiece(TensorEntry tensor, int dimension) =>
        tensor.Strides[dimension] > 0
        && tensor.Strides[dimension] == Enumerable.Range(0, tensor.Shape.Count)
            .Where(i => i != dimension && tensor.Strides[i] < tensor.Strides[dimension])
            .Aggregate(1L, (product, i) => product * tensor.Shape[i])
        && Enumerable.Range(0, tensor.Shape.Count).All(i => i == dimension || tensor.Strides[i] < tensor.Strides[dimension]);

    private static long RowStart(TensorEntry tensor, int dimension, long row) =>
        (tensor.StorageOffset + (row * tensor.Strides[dimension])) * tensor.DType.ItemSize;
}
