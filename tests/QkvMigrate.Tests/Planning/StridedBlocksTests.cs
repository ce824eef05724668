using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.FilePlans;
using QkvMigrate.Planning;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>A tensor's rows are permuted in its storage whatever the order of its strides, and nothing else moves.</summary>
public sealed class StridedBlocksTests
{
    private const int HeadSize = 2;
    private static readonly AttentionGeometry Geometry = new(4, 2, HeadSize);
    private static readonly RowPermutation Permutation = RowPermutation.Between(Geometry, RowOrder.Interleaved, RowOrder.Sequential);
    private static readonly string[] DTypes = ["uint8", "float16", "float32", "float64"];
    private static readonly int Rows = Permutation.RowCount;

    /// <summary>Shapes of one to three dimensions, one of them the rows; the dimensions lie in memory in any order, with gaps of 0 to 2 elements behind each.</summary>
    private static readonly Gen<(TensorEntry Tensor, int Dimension)> AnyTensor =
        from others in Gen.Int[1, 4].Array[0, 2]
        from dimension in Gen.Int[0, others.Length]
        from order in Gen.Shuffle(Enumerable.Range(0, others.Length + 1).ToArray())
        from gaps in Gen.Int[0, 2].Array[others.Length + 1]
        from offset in Gen.Int[0, 3]
        from dtype in Gen.Int[0, DTypes.Length - 1].Select(index => DTypes[index])
        select (Tensor([.. others[..dimension].Select(size => (long)size), Rows, .. others[dimension..].Select(size => (long)size)], order, gaps, offset, DType.ByName(dtype)!), dimension);

    [Fact]
    public void Moves_each_element_with_its_row_and_nothing_else() =>
        AnyTensor.Sample(
            sample =>
            {
                var (tensor, dimension) = sample;
                var storage = DistinctBytes((int)tensor.Storage.Length);
                var expected = MoveElementByElement(storage, tensor, dimension);
                var blocks = StridedBlocks.Of(tensor, dimension, Permutation);
                Assert.Equal(expected, Applied(storage, tensor.Storage, blocks));
            },
            iter: 2_000);

    [Fact]
    public void Contiguous_rows_are_one_block()
    {
        var tensor = Tensor([Rows, 3], [1, 0], [0, 0], 0, DType.ByName("float32")!);
        var block = Assert.Single(StridedBlocks.Of(tensor, 0, Permutation));
        Assert.Equal((0L, 1L, 12L, 12L), (block.Offset, block.Repetitions, block.SpanBytes, block.RowStride));
    }

    [Fact]
    public void Column_major_rows_are_one_block_repeated_for_each_column()
    {
        var tensor = Tensor([Rows, 3], [0, 1], [0, 0], 0, DType.ByName("uint8")!);
        var block = Assert.Single(StridedBlocks.Of(tensor, 0, Permutation));
        Assert.Equal((0L, 3L, 1L, 1L), (block.Offset, block.Repetitions, block.SpanBytes, block.RowStride));
    }

    [Fact]
    public void Nothing_moves_where_the_layouts_coincide_or_there_is_no_element()
    {
        var identity = RowPermutation.Between(new AttentionGeometry(4, 1, HeadSize), RowOrder.Interleaved, RowOrder.Sequential);
        Assert.Empty(StridedBlocks.Of(Tensor([identity.RowCount, 3], [1, 0], [0, 0], 0, DType.ByName("float32")!), 0, identity));
        Assert.Empty(StridedBlocks.Of(Tensor([Rows, 0], [1, 0], [0, 0], 0, DType.ByName("float32")!), 0, Permutation));
    }

    [Fact]
    public void Rows_that_overlap_are_refused()
    {
        var tensor = Tensor([Rows, 4], [1, 0], [0, 0], 0, DType.ByName("float32")!) with { Strides = [2, 1] };
        var error = Assert.Throws<MigrationException>(() => StridedBlocks.Of(tensor, 0, Permutation));
        Assert.Equal($"tensor 'weight': elements share memory (shape ({Rows}, 4), strides (2, 1)), so its rows cannot move", error.Message);
    }

    private static TensorEntry Tensor(long[] shape, int[] order, int[] gaps, int offset, DType dtype)
    {
        var strides = new long[shape.Length];
        var next = 1L;
        foreach (var dimension in order)
        {
            strides[dimension] = next;
            next = (next * Math.Max(shape[dimension], 1)) + gaps[dimension];
        }

        return new TensorEntry(new ContainerEntry("", []), null, "weight", dtype, shape, strides, AnyFile.Storage("0", 0, (next + offset) * dtype.ItemSize), offset);
    }

    private static byte[] DistinctBytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    /// <summary>The naive way: each element of the destination is fetched from its row in the source.</summary>
    private static byte[] MoveElementByElement(byte[] storage, TensorEntry tensor, int dimension)
    {
        var sources = Permutation.Runs.SelectMany(run => Enumerable.Range(run.Start, run.Length)).ToArray();
        var moved = storage.ToArray();
        foreach (var index in Indices(tensor.Shape))
        {
            var from = index.ToArray();
            from[dimension] = sources[index[dimension]];
            storage.AsSpan(Place(tensor, from), tensor.DType.ItemSize).CopyTo(moved.AsSpan(Place(tensor, index)));
        }

        return moved;
    }

    private static int Place(TensorEntry tensor, long[] index) =>
        (int)(tensor.StorageOffset + index.Zip(tensor.Strides, (at, stride) => at * stride).Sum()) * tensor.DType.ItemSize;

    private static IEnumerable<long[]> Indices(IReadOnlyList<long> shape) =>
        shape.Aggregate<long, IEnumerable<long[]>>([[]], (indices, size) => indices.SelectMany(index => Enumerable.Range(0, (int)size).Select(at => (long[])[.. index, at])));

    /// <summary>What the layout of the storage says, carried out in memory.</summary>
    private static byte[] Applied(byte[] storage, StorageEntry entry, List<BlockReorder> blocks)
    {
        var builder = new FilePlanBuilder();
        StorageLayout.LayDown(builder, entry, blocks);
        using var result = new MemoryStream();
        foreach (var segment in builder.Build().Segments)
        {
            Assert.Equal(segment.Target, result.Length);
            switch (segment)
            {
                case CopySegment copy:
                    result.Write(storage, (int)copy.Offset, (int)copy.Length);
                    break;
                case ReorderSegment reorder:
                    for (var outer = 0; outer < reorder.Repetitions; outer++)
                    {
                        foreach (var run in reorder.Permutation.Runs)
                        {
                            result.Write(storage, (int)(reorder.Offset + (((outer * Rows) + run.Start) * reorder.RowBytes)), (int)(run.Length * reorder.RowBytes));
                        }
                    }

                    break;
                default:
                    Assert.Fail($"a storage is laid down from its own bytes, not from {segment}");
                    break;
            }
        }

        return result.ToArray();
    }
}
