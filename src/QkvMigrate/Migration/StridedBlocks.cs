using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;

namespace QkvMigrate.Migration;

/// <summary>Turns "permute this tensor along that dimension" into blocks of its storage, for every order of strides.</summary>
internal static class StridedBlocks
{
    /// <summary>More blocks than this for one tensor mean a shape that no model has.</summary>
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
        var unit = 1L;
        var next = 0;
        for (; next < others.Count && others[next].Stride == unit && unit < stride; next++)
        {
            unit *= others[next].Size;
        }

        if (unit > stride)
        {
            throw Overlapping(tensor);
        }

        // The same, seen from the rows: how often the whole block of rows is repeated without a gap.
        var outer = 1L;
        var dense = unit == stride;
        for (; dense && next < others.Count && others[next].Stride == outer * stride * permutation.RowCount; next++)
        {
            outer *= others[next].Size;
        }

        return Spread(tensor, others[next..], start => new BlockReorder(
            tensor.Storage,
            (tensor.StorageOffset + start) * tensor.DType.ItemSize,
            outer,
            unit * tensor.DType.ItemSize,
            stride * tensor.DType.ItemSize,
            permutation));
    }

    /// <summary>One block for each index of the dimensions that are left.</summary>
    private static List<BlockReorder> Spread(TensorEntry tensor, List<(long Size, long Stride)> loops, Func<long, BlockReorder> block)
    {
        if (loops.Aggregate((Int128)1, (product, loop) => product * loop.Size) > MaximumBlocks)
        {
            throw new MigrationException(FailureKind.Unsupported, $"the strides ({string.Join(", ", tensor.Strides)}) take its rows apart into more than {MaximumBlocks} blocks", where: $"tensor '{tensor.Label}'");
        }

        IEnumerable<long> starts = [0L];
        foreach (var (size, stride) in loops)
        {
            starts = starts.SelectMany(start => Enumerable.Range(0, (int)size).Select(i => start + (i * stride)));
        }

        return [.. starts.Order().Select(block)];
    }

    private static MigrationException Overlapping(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        $"elements share memory (shape ({string.Join(", ", tensor.Shape)}), strides ({string.Join(", ", tensor.Strides)})), so its rows cannot move",
        where: $"tensor '{tensor.Label}'");
}
