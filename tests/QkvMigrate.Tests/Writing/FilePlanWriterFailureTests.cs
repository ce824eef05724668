using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using Xunit;

namespace QkvMigrate.Tests.Writing;

/// <summary>What the executor says when the source, the engine or the user ends its work.</summary>
public sealed class FilePlanWriterFailureTests
{
    private static readonly byte[] Source = [.. Enumerable.Range(0, 200).Select(value => (byte)value)];
    private static readonly RowPermutation Swap = RowPermutation.FromRuns([new RowRun(1, 1), new RowRun(0, 1)]);

    [Theory]
    [InlineData("a plain copy", 96)]
    [InlineData("a copy into a checksum", 96)]
    [InlineData("a reorder", 104)]
    public void A_source_that_became_shorter_is_told(string way, long offset)
    {
        using var writing = new LayoutWriting(Source);
        var builder = new FilePlanBuilder();
        builder.Literal(new byte[] { 1 });
        if (way != "a plain copy")
        {
            builder.BeginChecksum();
        }

        if (way == "a reorder")
        {
            // Of the seventh pair of rows, which starts at byte 96, the second is read first.
            builder.Reorder(writing.Source, 0, 10, 8, Swap);
        }
        else
        {
            builder.Copy(writing.Source, 0, 160);
        }

        using (var file = File.OpenHandle(writing.SourcePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            RandomAccess.SetLength(file, 96);
        }

        var refused = Assert.Throws<MigrationException>(() => writing.Write(builder.Build()));
        Assert.Equal($"{writing.SourcePath}: at byte {offset}: the file ends here, 8 more bytes were expected", refused.Message);
        Assert.Equal(FailureKind.Malformed, refused.Kind);
    }

    [Theory]
    [InlineData("lane")]
    [InlineData("permute")]
    public void An_engine_that_fails_is_told_and_its_lanes_are_freed(string where)
    {
        var calls = 0;
        void Fail(string now)
        {
            // The second time, when another lane may be under way; a second lane is made only where there is work for two.
            if (now == where && Interlocked.Increment(ref calls) == (where == "lane" ? 1 : 2))
            {
                throw new TimeZoneNotFoundException($"the engine broke at {where}");
            }
        }

        var engine = new TestEngine { BeforeLane = () => Fail("lane"), BeforePermute = () => Fail("permute") };
        using var writing = new LayoutWriting(Source) { Engine = () => engine, Threads = 3 };
        var told = Assert.Throws<TimeZoneNotFoundException>(() => writing.Write(ReorderAndCopy(writing)));
        Assert.Equal($"the engine broke at {where}", told.Message);
        Assert.Equal(0, engine.OpenLanes);
    }

    [Fact]
    public void An_engine_that_cannot_be_had_is_told()
    {
        using var writing = new LayoutWriting(Source) { Engine = () => throw new MigrationException(FailureKind.Usage, "no such device") };
        Assert.Equal("no such device", Assert.Throws<MigrationException>(() => writing.Write(ReorderAndCopy(writing))).Message);
    }

    [Fact]
    public void Cancelled_before_the_start_nothing_is_written()
    {
        using var writing = new LayoutWriting(Source) { Cancellation = new CancellationToken(canceled: true) };
        Assert.Throws<OperationCanceledException>(() => writing.Write(ReorderAndCopy(writing)));
        Assert.Throws<OperationCanceledException>(() => writing.WriteBySize(ReorderAndCopy(writing)));
        Assert.Equal(0, writing.Progress);
    }

    /// <summary>A small file is written when all of it is there.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void Of_a_small_file_that_ends_in_a_failure_nothing_is_written(int emitted)
    {
        var engine = new TestEngine();
        using var writing = new LayoutWriting(Source) { Engine = () => engine };
        var builder = new FilePlanBuilder();
        builder.Reorder(writing.Source, 0, 10, 8, Swap);
        builder.Computed(new Miscounted(4, emitted));
        builder.Copy(writing.Source, 0, 10);
        Assert.Throws<InvalidOperationException>(() => writing.WriteBySize(builder.Build()));
        Assert.Empty(File.ReadAllBytes(writing.TargetPath));
        Assert.Equal(0, writing.Progress);
        Assert.Equal(0, engine.OpenLanes);
    }

    [Fact]
    public void Cancelled_amid_the_slabs_the_rest_is_not_written()
    {
        using var cancellation = new CancellationTokenSource();
        var permuted = 0;
        var engine = new TestEngine
        {
            BeforePermute = () =>
            {
                if (++permuted == 3)
                {
                    cancellation.Cancel();
                }
            },
        };
        using var writing = new LayoutWriting(Source) { Engine = () => engine, Cancellation = cancellation.Token, Threads = 1 };
        Assert.Throws<OperationCanceledException>(() => writing.Write(Reorder(writing)));
        Assert.Equal(3, permuted);
        Assert.Equal(0, engine.OpenLanes);
    }

    [Fact]
    public void Cancelled_amid_a_copy_into_a_checksum_the_rest_is_not_written()
    {
        using var cancellation = new CancellationTokenSource();
        using var writing = new LayoutWriting(Source) { Cancellation = cancellation.Token, Threads = 1 };
        var builder = new FilePlanBuilder();
        builder.BeginChecksum();
        builder.Computed(new Cancelling(cancellation));
        builder.Copy(writing.Source, 0, 200);
        Assert.Throws<OperationCanceledException>(() => writing.Write(builder.Build()));
        Assert.Equal(1, writing.Progress);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void Computed_bytes_that_are_not_as_many_as_they_said_are_refused(int emitted)
    {
        using var writing = new LayoutWriting(Source);
        var builder = new FilePlanBuilder();
        builder.Computed(new Miscounted(4, emitted));
        builder.Copy(writing.Source, 0, 10);
        var refused = Assert.Throws<InvalidOperationException>(() => writing.Write(builder.Build()));
        Assert.Equal($"{emitted} bytes were computed, 4 were announced", refused.Message);
    }

    private static FilePlan Reorder(LayoutWriting writing)
    {
        var builder = new FilePlanBuilder();
        builder.Reorder(writing.Source, 0, 10, 8, Swap);
        return builder.Build();
    }

    private static FilePlan ReorderAndCopy(LayoutWriting writing)
    {
        var builder = new FilePlanBuilder();
        builder.Copy(writing.Source, 0, 100);
        builder.Reorder(writing.Source, 0, 10, 8, Swap);
        return builder.Build();
    }

    /// <summary>A byte, and the end of the user's patience.</summary>
    private sealed class Cancelling(CancellationTokenSource source) : ComputedBytes
    {
        public override long Length => 1;

        public override IReadOnlyList<SourceFile> Sources => [];

        public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation)
        {
            emit([1]);
            source.Cancel();
        }
    }

    private sealed class Miscounted(int length, int emitted) : ComputedBytes
    {
        public override long Length => length;

        public override IReadOnlyList<SourceFile> Sources => [];

        public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation) => emit(new byte[emitted]);
    }
}
