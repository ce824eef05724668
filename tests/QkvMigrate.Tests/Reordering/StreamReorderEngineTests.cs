using System.Runtime.InteropServices;
using QkvMigrate.Attention;
using QkvMigrate.Reordering;
using QkvMigrate.Testing.Reordering;
using Xunit;

namespace QkvMigrate.Tests.Reordering;

public sealed class StreamReorderEngineTests : ReorderEngineContract
{
    protected override IReorderEngine CreateEngine() => new StreamReorderEngine();

    [Fact]
    public void It_names_itself()
    {
        var engine = CreateEngine();
        Assert.Equal("stream", engine.Name);
        Assert.Equal("cpu", engine.Device);
    }

    [Fact]
    public unsafe void Buffers_start_at_a_page_and_stay_there() => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(10_000);
        using var first = lane.Input.Pin();
        using var inside = lane.Input[123..].Pin();
        Assert.Equal(0u, (nuint)first.Pointer % NativeBuffer.Alignment);
        Assert.Equal((nuint)first.Pointer + 123, (nuint)inside.Pointer);
        Assert.False(MemoryMarshal.TryGetArray<byte>(lane.Input, out _));
    });

    [Theory]
    [InlineData(1, 512)]
    [InlineData(512, 1)]
    public void Permuting_allocates_nothing(int outer, int unit) => WithEngine(engine =>
    {
        var permutation = RowPermutation.Between(new AttentionGeometry(32, 8, 64), RowOrder.Interleaved, RowOrder.Sequential);
        var gather = new Gather(outer, permutation.RowCount, unit, permutation.Runs.ToArray());
        using var lane = engine.CreateLane(gather.ByteCount);
        lane.Permute(gather);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            lane.Permute(gather);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    });
}
