using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.FilePlans;
using QkvMigrate.Tests.Support;
using QkvMigrate.Tests.Writing;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.Rewriting;

/// <summary>Which bytes of a storage move when its blocks are reordered: the spans of the rows, and none between them.</summary>
public sealed class StorageLayoutTests : IDisposable
{
    private const int StorageOffset = 11;

    private static readonly byte[] Source = [.. Enumerable.Range(0, 1 << 14).Select(value => (byte)(value * 31 >> 2))];

    private static readonly Gen<Shape> Shapes =
        from permutation in ShuffledRows.UpTo(runs: 10, rowsOfEach: 6)
        from spanBytes in Gen.Int[1, 6]
        from gaps in Gen.Frequency((1, Gen.Const(new[] { 0 })), (3, Gen.Int[0, 4].Array[1, 3]))
        from outer in Gen.Int[1, 3]
        from before in Gen.Int[0, 20]
        select new Shape(permutation, spanBytes, gaps, gaps is [0] ? outer : 1, before);

    private readonly LayoutWriting file = new(Source);

    public void Dispose() => file.Dispose();

    [Fact]
    public void The_pieces_of_rows_move_and_nothing_else() => Gen.Select(Shapes.Array[1, 3], Gen.Int[0, 20]).Sample((shapes, behind) =>
    {
        var blocks = Blocks(shapes, behind);
        var builder = new FilePlanBuilder();
        StorageLayout.LayDown(builder, blocks[0].Storage, blocks);
        var storage = Source[StorageOffset..(int)(StorageOffset + blocks[0].Storage.Length)];
        Assert.Equal(Reordered(storage, blocks), NaiveLayout.Apply(builder.Build()));
    });

    [Fact]
    public void The_bytes_around_the_storages_are_copied() => Gen.Select(Shapes.Array[1, 3], Shapes.Array[1, 2]).Sample((first, second) =>
    {
        var one = Blocks(first, behind: 3);
        var two = Blocks(second, behind: 4, offset: StorageOffset + one[0].Storage.Length + 5);
        var end = (int)(two[0].Storage.Offset + two[0].Storage.Length + 9);
        var builder = new FilePlanBuilder();

        // In any order: neither the storages nor their blocks are sorted.
        StorageLayout.LayDown(builder, file.Source, 2, end, [.. two.Concat(one).Reverse()]);
        byte[] expected = [.. Source[..end]];
        foreach (var blocks in new[] { one, two })
        {
            var start = (int)blocks[0].Storage.Offset;
            Reordered(Source[start..(int)(start + blocks[0].Storage.Length)], blocks).CopyTo(expected, start);
        }

        Assert.Equal(expected[2..], NaiveLayout.Apply(builder.Build()));
    });

    [Fact]
    public void Rows_that_stand_in_the_gaps_of_other_rows_move_each_by_itself()
    {
        var rows = RowPermutation.FromRuns([new RowRun(2, 1), new RowRun(0, 2)]);
        var storage = new StorageEntry(file.Source, "0", StorageOffset, 30);

        // Three rows of ten bytes: spans of 2 and 1 bytes, 4 bytes, and a byte that belongs to nobody.
        BlockReorder[] blocks =
        [
            new(storage, 0, 1, [0, 8], 2, 10, rows),
            new(storage, 2, 1, [0], 5, 10, RowPermutation.FromRuns([new RowRun(1, 1), new RowRun(2, 1), new RowRun(0, 1)])),
        ];
        var builder = new FilePlanBuilder();
        StorageLayout.LayDown(builder, storage, blocks);
        var before = Source[StorageOffset..(StorageOffset + 30)];
        int[] expected = [20, 21, 12, 13, 14, 15, 16, 7, 28, 29, 0, 1, 22, 23, 24, 25, 26, 17, 8, 9, 10, 11, 2, 3, 4, 5, 6, 27, 18, 19];
        Assert.Equal(expected.Select(at => before[at]), NaiveLayout.Apply(builder.Build()));
    }

    [Theory]
    [InlineData(0, 15, "blocks of storage 0 overlap at byte 15 (Parameter 'storage')")]
    [InlineData(0, 25, "block at byte 25 leaves storage 0 (Parameter 'block')")]
    public void Blocks_that_overlap_or_leave_the_storage_are_refused(long first, long second, string message)
    {
        var storage = AnyFile.Storage("0", 0, 40);
        var swap = RowPermutation.FromRuns([new RowRun(1, 1), new RowRun(0, 1)]);
        var blocks = new[] { first, second }.Select(offset => new BlockReorder(storage, offset, 1, [0], 8, 8, swap)).ToList();
        var refused = Assert.Throws<ArgumentException>(() => StorageLayout.LayDown(new FilePlanBuilder(), storage, blocks));
        Assert.Equal(message, refused.Message);
    }

    /// <summary>The blocks one behind the other in a storage.</summary>
    private List<BlockReorder> Blocks(Shape[] shapes, int behind, long offset = StorageOffset)
    {
        var places = new List<(Shape Shape, long Offset)>();
        var end = 0L;
        foreach (var shape in shapes)
        {
            places.Add((shape, end + shape.Before));
            end += shape.Before + shape.Block(AnyFile.Storage("0", 0, 0), 0).Length;
        }

        var storage = new StorageEntry(file.Source, $"at {offset}", offset, end + behind);
        return places.ConvertAll(place => place.Shape.Block(storage, place.Offset));
    }

    /// <summary>Row by row and span by span, from the definition of a block.</summary>
    private static byte[] Reordered(byte[] storage, IEnumerable<BlockReorder> blocks)
    {
        byte[] result = [.. storage];
        foreach (var block in blocks)
        {
            var rows = block.Permutation.Runs.SelectMany(run => Enumerable.Range(run.Start, run.Length)).ToList();
            for (var outer = 0; outer < block.Repetitions; outer++)
            {
                foreach (var (target, row) in rows.Index())
                {
                    foreach (var span in block.Spans)
                    {
                        var start = block.Offset + (outer * rows.Count * block.RowStride) + span;
                        Array.Copy(storage, start + (row * block.RowStride), result, start + (target * block.RowStride), block.SpanBytes);
                    }
                }
            }
        }

        return result;
    }

    /// <summary>A block: its rows are spans of so many bytes, with a gap behind each.</summary>
    private sealed record Shape(RowPermutation Permutation, int SpanBytes, int[] Gaps, int Repetitions, int Before)
    {
        public BlockReorder Block(StorageEntry storage, long offset)
        {
            var spans = Gaps.Select((_, number) => (long)Gaps.Take(number).Sum(gap => SpanBytes + gap)).ToList();
            return new BlockReorder(storage, offset, Repetitions, spans, SpanBytes, Gaps.Sum(gap => SpanBytes + gap), Permutation);
        }
    }
}
