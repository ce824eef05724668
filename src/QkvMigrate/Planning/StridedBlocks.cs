using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Planning;

/// <summary>Turns "permute this tensor along that dimension" into blocks of its storage, for every order of strides.</summary>
internal static class StridedBlocks
{
    /// <summary>More spans than this in one tensor mean a shape that no model has.</summary>
    private const long MaximumBlocks = 1 << 20;

    /// <summary>The blocks to reorder, none where the permutation changes no byte.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="dimension">The dimension along which its rows stand.</param>
    /// <param name="permutation">The source rows in the order of the destination; as many as the dimension has.</param>
    /// <exception cref="MigrationException">Two elements of the tensor share memory along other dimensions.</exception>
    public static List<BlockReorder> Of(TensorEntry tensor, int dimension, RowPermutation permutation)
    {
        var stride = tensor.Strides[dimension];
        if (permutation.IsIdentity || tensor.ElementCount == 0 || stride == 0)
        {
            return [];
        }

        var others = OtherDimensions(tensor, dimension);

        var withinRow = others.FindAll(other => other.Stride < stride);
        var beyondRow = others.FindAll(other => other.Stride >= stride);
        var (span, inSpan) = Span(withinRow);
        var spans = Starts(tensor, withinRow[inSpan..]);
        if (stride - spans[^1] < span || AnyFollows(spans, (left, right) => right - left < span))
        {
            throw Overlapping(tensor);
        }

        var (repetitions, inBlock) = span == stride ? Repetitions(beyondRow, stride * permutation.RowCount) : (1, 0);
        var blocks = Starts(tensor, beyondRow[inBlock..]).ConvertAll(start => new BlockReorder(
            tensor.Storage,
            (tensor.StorageOffset + start) * tensor.DType.ItemSize,
            repetitions,
            spans.ConvertAll(at => at * tensor.DType.ItemSize),
            span * tensor.DType.ItemSize,
            stride * tensor.DType.ItemSize,
            permutation));
        return AnyFollows(blocks, (left, right) => right.Offset - left.Offset < left.Length) ? throw Overlapping(tensor) : blocks;
    }

    /// <summary>The dimensions with more than one index that take steps, the one of the smallest steps first.</summary>
    private static List<(long Size, long Stride)> OtherDimensions(TensorEntry tensor, int dimension)
    {
        var others = new List<(long Size, long Stride)>(tensor.Shape.Count);
        for (var i = 0; i < tensor.Shape.Count; i++)
        {
            if (i != dimension && tensor.Shape[i] > 1 && tensor.Strides[i] is > 0 and var stride)
            {
                others.Insert(others.FindLastIndex(other => other.Stride <= stride) + 1, (tensor.Shape[i], stride));
            }
        }

        return others;
    }

    /// <summary>Whether an item and the one behind it are such a pair.</summary>
    private static bool AnyFollows<T>(List<T> items, Func<T, T, bool> isPair)
    {
        for (var i = 1; i < items.Count; i++)
        {
            if (isPair(items[i - 1], items[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// How many elements of a row lie next to each other: those of the first dimensions, as long as each continues where the one below
    /// it ends.
    /// </summary>
    private static (long Elements, int Dimensions) Span(List<(long Size, long Stride)> dimensions)
    {
        var (elements, count) = (1L, 0);
        while (count < dimensions.Count && dimensions[count].Stride == elements)
        {
            elements *= dimensions[count].Size;
            count++;
        }

        return (elements, count);
    }

    /// <summary>How often a block of rows is repeated without a gap, over the first of the dimensions.</summary>
    private static (long Repetitions, int Dimensions) Repetitions(List<(long Size, long Stride)> dimensions, long blockStride)
    {
        var (repetitions, count) = (1L, 0);
        while (count < dimensions.Count && dimensions[count].Stride == repetitions * blockStride)
        {
            repetitions *= dimensions[count].Size;
            count++;
        }

        return (repetitions, count);
    }

    /// <summary>Where each index of the dimensions starts, in elements from the first, in order.</summary>
    private static List<long> Starts(TensorEntry tensor, IEnumerable<(long Size, long Stride)> dimensions)
    {
        List<long> starts = [0L];
        foreach (var (size, stride) in dimensions)
        {
            if (size > MaximumBlocks / starts.Count)
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"the strides ({string.Join(", ", tensor.Strides)}) take its rows apart into more than {MaximumBlocks} pieces",
                    where: $"tensor '{tensor.Label}'");
            }

            starts = [.. starts.SelectMany(start => Enumerable.Range(0, (int)size).Select(i => start + (i * stride)))];
        }

        starts.Sort();
        return starts;
    }

    private static MigrationException Overlapping(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        $"elements share memory (shape ({string.Join(", ", tensor.Shape)}), strides ({string.Join(", ", tensor.Strides)})), so its rows cannot move",
        where: $"tensor '{tensor.Label}'");
}
