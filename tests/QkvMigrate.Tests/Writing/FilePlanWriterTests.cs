using System.IO.Hashing;
using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Tests.Support;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>What is written is what the layout says, whatever the size of a slab.</summary>
public sealed class FilePlanWriterTests
{
    private const int SourceBytes = 2000;

    private static readonly byte[] Source = RandomBytes(SourceBytes, seed: 1);
    private static readonly byte[] SecondSource = RandomBytes(SourceBytes, seed: 3);

    private static readonly Gen<Piece> Literal =
        from length in Gen.Int[0, 40]
        from seed in Gen.Int
        select new Piece((builder, _) => builder.Literal(RandomBytes(length, seed)));

    private static readonly Gen<Piece> Copy =
        from start in Gen.Int[0, SourceBytes]
        from length in Gen.Int[0, SourceBytes - start]
        from file in Gen.Int[0, 1]
        select new Piece((builder, sources) => builder.Copy(sources[file], start, length));

    private static readonly Gen<Piece> Computed =
        from length in Gen.Int[0, 90]
        from piece in Gen.Int[1, 40]
        select new Piece((builder, _) => builder.Computed(new Counting(length, piece)));

    private static readonly Gen<Piece> Reorder =
        from permutation in ShuffledRows.UpTo(runs: 10, rowsOfEach: 6)
        from outer in Gen.Int[1, 4]
        from unit in Gen.Int[1, SourceBytes / (outer * permutation.RowCount)]
        from start in Gen.Int[0, SourceBytes - (outer * permutation.RowCount * unit)]
        from file in Gen.Int[0, 1]
        select new Piece((builder, sources) => builder.Reorder(sources[file], start, outer, unit, permutation));

    private static readonly Gen<Piece> Storage =
        from permutation in ShuffledRows.UpTo(runs: 10, rowsOfEach: 6)
        from pieceBytes in Gen.Int[1, 5]
        from gaps in Gen.Int[0, 4].Array[1, 3]
        from offset in Gen.Int[0, 30]
        from behind in Gen.Int[0, 30]
        from file in Gen.Int[0, 1]
        select new Piece((builder, sources) => LayDownGapped(builder, sources[file], permutation, pieceBytes, gaps, offset, behind));

    private static readonly Gen<(Piece LayDown, bool IsChecked)[]> Pieces =
        Gen.Select(Gen.Frequency((2, Literal), (2, Copy), (1, Computed), (3, Reorder), (2, Storage)), Gen.Bool).Array[0, 8];

    /// <summary>Lays a piece of a plan down, from one of two sources.</summary>
    private delegate void Piece(FilePlanBuilder builder, IReadOnlyList<SourceFile> sources);

    [Fact]
    public void Any_plan_over_two_sources_is_written_in_slabs_of_any_size() => Gen.Select(Pieces, Gen.Int[1, 64], Gen.Int[1, 4]).Sample((pieces, slabBytes, threads) =>
    {
        using var writing = new LayoutWriting(Source, SecondSource) { SlabBytes = slabBytes, Threads = threads };
        var plan = Plan(pieces, writing.Sources);
        Assert.Equal(NaiveLayout.Apply(plan), writing.Write(plan));
        Assert.Equal(plan.Length, writing.Progress);
    });

    [Fact]
    public void Any_small_plan_over_two_sources_is_written_at_once() => Pieces.Sample(pieces =>
    {
        using var writing = new LayoutWriting(Source, SecondSource);
        var plan = Plan(pieces, writing.Sources);
        Assert.Equal(NaiveLayout.Apply(plan), writing.WriteBySize(plan));
        Assert.Equal(plan.Length, writing.Progress);
    });

    /// <summary>Those that are small are put together in memory, the others are not.</summary>
    [Theory]
    [InlineData((1 << 20) - 1)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    public void A_file_about_as_large_as_a_small_one_can_be_is_written(int length)
    {
        using var writing = new LayoutWriting(RandomBytes(length, seed: 4));
        var builder = new FilePlanBuilder();
        builder.Copy(writing.Source, 600, length - 600);
        builder.Reorder(writing.Source, 0, 1, 200, RowPermutation.FromRuns([new RowRun(1, 2), new RowRun(0, 1)]));
        var plan = builder.Build();
        Assert.Equal(NaiveLayout.Apply(plan), writing.WriteBySize(plan));
        Assert.Equal(length, writing.Progress);
    }

    [Fact]
    public void A_checksum_is_that_of_the_bytes_that_were_written()
    {
        using var writing = new LayoutWriting(Source);
        var builder = new FilePlanBuilder();
        var number = builder.BeginChecksum();
        builder.Copy(writing.Source, 10, 100);
        builder.Reorder(writing.Source, 200, 2, 10, RowPermutation.FromRuns([new RowRun(1, 2), new RowRun(0, 1)]));
        builder.Literal(new byte[] { 7, 8, 9 });
        builder.EndChecksum();
        builder.Literal(new byte[4]);
        builder.Patch(number, 163);
        var written = writing.Write(builder.Build());
        byte[] expected = [.. Source[10..110], .. Source[210..230], .. Source[200..210], .. Source[240..260], .. Source[230..240], 7, 8, 9];
        Assert.Equal(expected, written[..163]);
        Assert.Equal(BitConverter.GetBytes(Crc32.HashToUInt32(expected)), written[163..]);
    }

    [Fact]
    public void The_real_slabs_write_a_matrix_of_many_of_them()
    {
        // 12 MiB of slabs of 4 MiB, with rows that straddle them.
        var geometry = new AttentionGeometry(12, 4, 64);
        var permutation = RowPermutation.Between(geometry, RowOrder.Interleaved, RowOrder.Sequential);
        var source = RandomBytes(permutation.RowCount * 9001, seed: 2);
        using var writing = new LayoutWriting(source) { SlabBytes = FilePlanWriter.SlabBytes };
        var builder = new FilePlanBuilder();
        builder.BeginChecksum();
        builder.Reorder(writing.Source, 0, 1, 9001, permutation);
        var plan = builder.Build();
        Assert.Equal(NaiveLayout.Apply(plan), writing.Write(plan));
    }

    [Fact]
    public void A_file_whose_names_alone_change_needs_no_engine()
    {
        using var writing = new LayoutWriting(Source) { Engine = () => throw new InvalidOperationException("no engine is needed") };
        var builder = new FilePlanBuilder();
        builder.Literal(new byte[] { 1, 2 });
        builder.Copy(writing.Source, 5, 100);
        Assert.Equal([1, 2, .. Source[5..105]], writing.Write(builder.Build()));
    }

    [Fact]
    public void An_empty_layout_makes_an_empty_file()
    {
        using var writing = new LayoutWriting(Source);
        Assert.Empty(writing.Write(new FilePlanBuilder().Build()));
        Assert.Empty(writing.WriteBySize(new FilePlanBuilder().Build()));
        Assert.Equal(0, writing.Progress);
    }

    private static FilePlan Plan((Piece LayDown, bool IsChecked)[] pieces, IReadOnlyList<SourceFile> sources)
    {
        var builder = new FilePlanBuilder();
        foreach (var (layDown, isChecked) in pieces)
        {
            var number = isChecked ? builder.BeginChecksum() : -1;
            layDown(builder, sources);
            builder.EndChecksum();
            if (isChecked)
            {
                builder.Patch(number, builder.Position);
                builder.Literal(new byte[4]);
            }
        }

        return builder.Build();
    }

    /// <summary>A storage with one block whose rows are several pieces, or one, with gaps behind each.</summary>
    private static void LayDownGapped(FilePlanBuilder builder, SourceFile source, RowPermutation permutation, int pieceBytes, int[] gaps, int offset, int behind)
    {
        var rowStride = gaps.Sum(gap => pieceBytes + gap);
        var pieces = gaps.Select((_, number) => (long)gaps.Take(number).Sum(gap => pieceBytes + gap)).ToList();
        var length = ((permutation.RowCount - 1) * rowStride) + pieces[^1] + pieceBytes;
        var storage = new StorageEntry(source, "0", 100, offset + length + behind);
        StorageLayout.LayDown(builder, storage, [new BlockReorder(storage, offset, 1, pieces, pieceBytes, rowStride, permutation)]);
    }

    private static byte[] RandomBytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>The numbers from 0 on, in pieces.</summary>
    private sealed class Counting(int length, int piece) : ComputedBytes
    {
        public override long Length => length;

        public override IReadOnlyList<SourceFile> Sources => [];

        public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation)
        {
            foreach (var bytes in Enumerable.Range(0, length).Select(value => (byte)value).Chunk(piece))
            {
                emit(bytes);
            }
        }
    }
}
