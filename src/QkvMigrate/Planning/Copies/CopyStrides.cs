using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>
/// The strides that copies of fused tensors have. Shapes without order are a weak proof, and other strides are that of a view of
/// something else, such as a column of a buffer that a fused tensor has left.
/// </summary>
internal sealed class CopyStrides
{
    private readonly HashSet<string> known = [];

    /// <summary>Takes the strides of the fused tensors.</summary>
    public CopyStrides(IEnumerable<TensorEntry> fused)
    {
        // A deepcopy has the strides of its original. A clone has no gaps and the order of its original's dimensions
        // (torch.preserve_format), or that of its own (contiguous_format, safetensors).
        foreach (var tensor in fused)
        {
            var dimensions = Enumerable.Range(0, tensor.Shape.Count).ToList();
            known.Add(Key(tensor, tensor.Strides));
            known.Add(Key(tensor, Gapless(tensor, dimensions)));
            known.Add(Key(tensor, Gapless(tensor, dimensions.OrderByDescending(dimension => tensor.Strides[dimension]))));
        }
    }

    /// <summary>Whether a copy can have the strides of <paramref name="tensor"/>.</summary>
    public bool CanBe(TensorEntry tensor) => known.Contains(Key(tensor, tensor.Strides));

    /// <summary>Strides without gaps, for dimensions from the outermost in.</summary>
    private static long[] Gapless(TensorEntry tensor, IEnumerable<int> dimensions)
    {
        var strides = new long[tensor.Shape.Count];
        var stride = 1L;
        foreach (var dimension in dimensions.Reverse())
        {
            strides[dimension] = stride;
            stride *= tensor.Shape[dimension];
        }

        return strides;
    }

    /// <summary>The shape and the strides; one of a dimension with one index means nothing.</summary>
    private static string Key(TensorEntry tensor, IReadOnlyList<long> strides) =>
        $"{ElementKey.ShapeOf(tensor)}/{string.Join(',', strides.Select((stride, dimension) => tensor.Shape[dimension] == 1 ? 0 : stride))}";
}
