using System.IO.Hashing;
using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Tests.Support;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>A new file that is made from two old ones.</summary>
public sealed class SeveralSourcesTests : IDisposable
{
    private const int RecordStart = 30;
    private const int RecordLength = 120;

    private static readonly byte[] FirstBytes = [.. Enumerable.Range(0, 200).Select(value => (byte)(value * 7))];
    private static readonly byte[] SecondBytes = [.. Enumerable.Range(0, 200).Select(value => (byte)((value * 11) + 3))];
    private static readonly RowPermutation Swap = RowPermutation.FromRuns([new RowRun(3, 2), new RowRun(0, 3)]);

    private readonly LayoutWriting writing = new(FirstBytes, SecondBytes);

    private SourceFile First => writing.Sources[0];

    private SourceFile Second => writing.Sources[1];

    public void Dispose() => writing.Dispose();

    [Fact]
    public void Neighbouring_ranges_are_joined_within_one_file_only()
    {
        var builder = new FilePlanBuilder();
        builder.Copy(First, 10, 20);
        builder.Copy(First, 30, 5);
        builder.Copy(Second, 35, 7);
        builder.Copy(Second, 42, 8);
        builder.Copy(First, 50, 1);
        var plan = builder.Build();
        Assert.Equal(
            [
                new CopySegment(0, 25, -1, First, 10),
                new CopySegment(25, 15, -1, Second, 35),
                new CopySegment(40, 1, -1, First, 50),
            ],
            plan.Segments);
        Assert.Equal([.. FirstBytes[10..35], .. SecondBytes[35..50], FirstBytes[50]], writing.Write(plan));
    }

    [Fact]
    public void The_sources_are_named_once_in_the_order_of_their_need()
    {
        var builder = new FilePlanBuilder();
        builder.Literal(new byte[] { 1 });
        builder.Reorder(Second, 0, 1, 6, Swap);
        builder.Copy(Second, 90, 10);
        builder.Copy(First, 0, 10);
        builder.Copy(Second, 0, 10);
        Assert.Equal([Second, First], builder.Build().Sources);

        builder = new FilePlanBuilder();
        builder.Copy(First, 0, 10);
        builder.Computed(new Backwards(Second));
        Assert.Equal([First, Second], builder.Build().Sources);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 2)]
    [InlineData(13, 3)]
    [InlineData(4096, 4)]
    public void Pieces_of_both_stand_where_the_plan_says(int slabBytes, int threads)
    {
        using var both = new LayoutWriting(FirstBytes, SecondBytes) { SlabBytes = slabBytes, Threads = threads };
        var builder = new FilePlanBuilder();
        builder.Copy(both.Sources[0], 0, 40);
        builder.Reorder(both.Sources[1], 50, 2, 3, Swap);
        builder.Reorder(both.Sources[0], 50, 1, 3, Swap);
        builder.Computed(new Backwards(both.Sources[1]));
        builder.Copy(both.Sources[1], 3, 9);
        byte[] expected =
        [
            .. FirstBytes[..40],
            .. SecondBytes[59..65], .. SecondBytes[50..59], .. SecondBytes[74..80], .. SecondBytes[65..74],
            .. FirstBytes[59..65], .. FirstBytes[50..59],
            .. SecondBytes.Reverse(),
            .. SecondBytes[3..12],
        ];
        Assert.Equal(expected, both.Write(builder.Build()));
        Assert.Equal(expected.Length, both.Progress);
    }

    [Fact]
    public void The_clone_is_of_the_source_that_keeps_the_most_bytes_in_place()
    {
        var builder = new FilePlanBuilder();
        builder.Copy(First, 0, 40);
        builder.Copy(Second, 40, 60);
        builder.Copy(First, 100, 19);
        builder.Copy(First, 0, 80);
        Assert.Same(Second, ClonedSource.Of(builder.Build()));

        builder = new FilePlanBuilder();
        builder.Copy(First, 1, 40);
        builder.Reorder(Second, 40, 1, 6, Swap);
        Assert.Null(ClonedSource.Of(builder.Build()));
    }

    [Fact]
    public void Records_of_both_are_held_against_their_own_checksums()
    {
        var plan = TwoRecords(Crc32.HashToUInt32(FirstBytes.AsSpan(RecordStart, RecordLength)), Crc32.HashToUInt32(SecondBytes.AsSpan(RecordStart, RecordLength)));
        Assert.Equal(NaiveLayout.Apply(plan), writing.Write(plan));
    }

    [Theory]
    [InlineData(RecordStart)] // a part that is copied
    [InlineData(RecordStart + 40)] // a row that moves
    public void A_damaged_record_of_the_second_file_is_told_with_that_file(int at)
    {
        byte[] damaged = [.. SecondBytes];
        damaged[at] ^= 4;
        File.WriteAllBytes(Second.Path, damaged);
        var (first, second) = (Crc32.HashToUInt32(FirstBytes.AsSpan(RecordStart, RecordLength)), Crc32.HashToUInt32(SecondBytes.AsSpan(RecordStart, RecordLength)));
        var refused = Assert.Throws<MigrationException>(() => writing.Write(TwoRecords(first, second)));
        var computed = Crc32.HashToUInt32(damaged.AsSpan(RecordStart, RecordLength));
        Assert.Equal($"{Second.Path}: b/data/0 at byte {RecordStart}: its bytes have CRC-32 {computed:x8}, the file gives {second:x8}: it is damaged", refused.Message);
        Assert.Equal(FailureKind.Malformed, refused.Kind);
    }

    [Fact]
    public void Bytes_of_another_file_in_the_same_checksum_are_not_taken_for_the_record()
    {
        var builder = new FilePlanBuilder();
        var number = builder.BeginChecksum();
        builder.Copy(First, 20, 50);
        builder.Copy(Second, RecordStart, RecordLength);
        builder.Reorder(First, 40, 1, 4, Swap);
        builder.EndChecksum();
        builder.Expect(new SourceChecksum(number, Second, "b/data/0", RecordStart, RecordLength, Crc32.HashToUInt32(SecondBytes.AsSpan(RecordStart, RecordLength))));
        var plan = builder.Build();
        Assert.Equal(NaiveLayout.Apply(plan), writing.Write(plan));
    }

    [Fact]
    public void A_second_file_that_ends_too_early_is_told_with_its_name()
    {
        using (var file = File.OpenHandle(Second.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            RandomAccess.SetLength(file, 96);
        }

        var builder = new FilePlanBuilder();
        builder.Copy(First, 0, 200);
        builder.Copy(Second, 0, 160);
        var refused = Assert.Throws<MigrationException>(() => writing.Write(builder.Build()));
        Assert.Equal($"{Second.Path}: at byte 96: the file ends here, 8 more bytes were expected", refused.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_second_file_that_changed_while_it_was_read_is_told_before_whatever_came_of_it(bool fails)
    {
        var builder = new FilePlanBuilder();
        builder.Copy(First, 0, 20);
        builder.Copy(Second, 0, 20);
        var plan = builder.Build();
        var refused = Assert.Throws<MigrationException>(() => UnchangedSources.During(plan.Sources, () =>
        {
            writing.Write(plan);
            File.AppendAllBytes(Second.Path, [1, 2, 3]);
            if (fails)
            {
                throw new MigrationException(FailureKind.Verification, "the new file is not what it should be");
            }
        }));
        Assert.Equal($"{Second.Path}: the file was changed while it was read (200 bytes before, 203 after); the result was thrown away", refused.Message);
        Assert.Equal(FailureKind.Io, refused.Kind);
    }

    [Fact]
    public void Sources_that_stay_the_same_let_a_failure_through()
    {
        var builder = new FilePlanBuilder();
        builder.Copy(First, 0, 20);
        builder.Copy(Second, 0, 20);
        var failure = new MigrationException(FailureKind.Verification, "the new file is not what it should be");
        Assert.Same(failure, Assert.Throws<MigrationException>(() => UnchangedSources.During(builder.Build().Sources, () => throw failure)));
    }

    /// <summary>A record of each file, in which some bytes stay and some rows move.</summary>
    private FilePlan TwoRecords(uint firstCrc, uint secondCrc)
    {
        var builder = new FilePlanBuilder();
        Record(First, "a/data/0", firstCrc);
        Record(Second, "b/data/0", secondCrc);
        return builder.Build();

        void Record(SourceFile source, string name, uint crc)
        {
            var number = builder.BeginChecksum();
            builder.Copy(source, RecordStart, 20);
            builder.Reorder(source, RecordStart + 20, 3, 6, Swap);
            builder.Copy(source, RecordStart + 110, 10);
            builder.EndChecksum();
            builder.Expect(new SourceChecksum(number, source, name, RecordStart, RecordLength, crc));
            builder.Patch(number, builder.Position);
            builder.Literal(new byte[4]);
        }
    }

    /// <summary>All bytes of a file, the last one first.</summary>
    private sealed class Backwards(SourceFile source) : ComputedBytes
    {
        public override long Length => source.Length;

        public override IReadOnlyList<SourceFile> Sources => [source];

        public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation)
        {
            var bytes = source.Read(0, (int)source.Length);
            Array.Reverse(bytes);
            emit(bytes);
        }
    }
}
