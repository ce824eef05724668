using QkvMigrate.Reordering;
using QkvMigrate.Testing.Reordering;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

/// <summary>The contract, and what TorchSharp adds to it: no tensor is left behind, in a caller's dispose scope or outside of one.</summary>
public abstract class TorchReorderEngineContract : ReorderEngineContract
{
    [Fact]
    public void A_callers_dispose_scope_leaves_the_lane_alone() => WithEngine(engine =>
    {
        IReorderLane lane;
        using (torch.NewDisposeScope())
        {
            lane = engine.CreateLane(800);
            Permute(lane);
        }

        Permute(lane);
        lane.Dispose();
    });

    [Fact]
    public void Work_on_a_slab_allocates_nothing_per_row() => WithEngine(engine =>
    {
        using var lane = engine.CreateLane(80_000);
        Assert.Equal(Allocated(lane, rows: 10), Allocated(lane, rows: 1000));
    });

    protected override void WithEngine(Action<IReorderEngine> body)
    {
        var engine = CreateEngine();
        var before = LiveTensors();
        body(engine);
        Assert.Equal(before, LiveTensors());
    }

    private static long LiveTensors() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static void Permute(IReorderLane lane) =>
        GatherCase.AssertPermutes(lane, 1, 100, [new(5, 3), new(0, 5)], seed: 1);

    /// <summary>Bytes on the managed heap for ten slabs of a known shape.</summary>
    private static long Allocated(IReorderLane lane, int rows)
    {
        var gather = new Gather(1, rows, 8, Enumerable.Range(1, rows).Select(row => new Attention.RowRun(rows - row, 1)).ToArray());
        lane.Permute(gather);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            lane.Permute(gather);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
