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

        var others = Enumerable.Range(0, tensor.Shape.Count)
            .Where(i => i != dimension && tensor.Shape[i] > 1 && tensor.Strides[i] > 0)
            .Select(i => (Size: tensor.Shape[i], Stride: tensor.Strides[i]))
            .OrderBy(other => other.Stride)
            .ToList();

        // The elements of one row that lie next to each other: dimensions that continue where the one below ends.
        var span = 1L;
        var next = 0;
        for (; next < others.Count && others[next].Stride == span && span < stride; next++)
        {
            span *= others[next].Size;
        }

        // The spans of one row: dimensions with gaps between them, but still within the row.
        var spans = Starts(tensor, others[next..].Where(other => other.Stride < stride));
        if (spans.Zip(spans.Skip(1), (left, right) => right - left).Append(stride - spans[^1]).Any(room => room < span))
        {
            throw Overlapping(tensor);
        }

        next += others[next..].Count(other => other.Stride < stride);

        // How often the whole block of rows is repeated without a gap.
        var repetitions = 1L;
        for (; span == stride && next < others.Count && others[next].Stride == repetitions * stride * permutation.RowCount; next++)
        {
            repetitions *= others[next].Size;
        }

        var blocks = Starts(tensor, others[next..]).ConvertAll(start => new BlockReorder(
            tensor.Storage,
            (tensor.StorageOffset + start) * tensor.DType.ItemSize,
            repetitions,
            spans.ConvertAll(at => at * tensor.DType.ItemSize),
            span * tensor.DType.ItemSize,
            stride * tensor.DType.ItemSize,
            permutation));
        return blocks.Zip(blocks.Skip(1)).Any(pair => pair.Second.Offset - pair.First.Offset < pair.First.Length) ? throw Overlapping(tensor) : blocks;
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
