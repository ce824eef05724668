using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Whether a tensor lies in its storage as a copy does, and not as a view of something else.</summary>
internal sealed class CopyPlacement
{
    /// <summary>How many tensors look into each storage.</summary>
    private readonly Lazy<Dictionary<StorageEntry, int>> looks;

    /// <summary>The shapes and strides of the originals.</summary>
    private readonly HashSet<string> places = [];

    /// <summary>The shapes of the originals, each with an order of their axes from the largest stride down.</summary>
    private readonly HashSet<string> orders = [];

    /// <summary>Prepares for copies of some tensors.</summary>
    /// <param name="file">The file that they are in.</param>
    /// <param name="originals">What may have been copied.</param>
    public CopyPlacement(Checkpoint file, IEnumerable<TensorEntry> originals)
    {
        looks = new(() => file.Tensors.CountBy(tensor => tensor.Storage).ToDictionary());
        foreach (var original in originals)
        {
            places.Add(PlaceOf(original));
            orders.Add(OrderOf(original, original.Strides));

            // A contiguous copy has its axes in their own order.
            orders.Add(OrderOf(original, [.. Enumerable.Range(0, original.Shape.Count).Select(axis => (long)-axis)]));
        }
    }

    /// <summary>Whether a tensor looks at a part of a storage whose other bytes nothing looks at: it may be a view of what was there.</summary>
    public bool IsRestOfStorage(TensorEntry tensor) =>
        tensor.Extent < tensor.Storage.Length && looks.Value[tensor.Storage] == 1;

    /// <summary>
    /// Whether the elements of a tensor lie as those of a copy: as an original's (deepcopy), or with no gap between them, in the order of
    /// an original's dimensions (clone) or of its own (contiguous).
    /// </summary>
    public bool IsAsCopy(TensorEntry tensor) => places.Contains(PlaceOf(tensor)) || (IsGapless(tensor) && orders.Contains(OrderOf(tensor, tensor.Strides)));

    private static bool IsGapless(TensorEntry tensor)
    {
        var inner = 1L;
        foreach (var axis in RealAxes(tensor).OrderBy(axis => tensor.Strides[axis]))
        {
            if (tensor.Strides[axis] != inner)
            {
                return false;
            }

            inner *= tensor.Shape[axis];
        }

        return true;
    }

    /// <summary>The axes whose stride means something.</summary>
    private static IEnumerable<int> RealAxes(TensorEntry tensor) => Enumerable.Range(0, tensor.Shape.Count).Where(axis => tensor.Shape[axis] > 1);

    private static string PlaceOf(TensorEntry tensor) =>
        $"{ParameterOrder.ShapeOf(tensor)} by {string.Join(' ', RealAxes(tensor).Select(axis => tensor.Strides[axis]))}";

    private static string OrderOf(TensorEntry tensor, IReadOnlyList<long> strides) =>
        $"{ParameterOrder.ShapeOf(tensor)} in {string.Join(' ', RealAxes(tensor).OrderByDescending(axis => strides[axis]))}";
}
