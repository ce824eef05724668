using QkvMigrate.Reordering;

namespace QkvMigrate.Tests.Writing;

/// <summary>The stream engine, watched and disturbed: what a test has to say before a lane is made and before it permutes, on any of the executor's threads.</summary>
internal sealed class TestEngine : IReorderEngine
{
    private readonly StreamReorderEngine engine = new();
    private int openLanes;

    public string Name => "test";

    public string Device => "cpu";

    public Action BeforeLane { get; init; } = () => { };

    public Action BeforePermute { get; init; } = () => { };

    /// <summary>Lanes that were made and not disposed of.</summary>
    public int OpenLanes => openLanes;

    public IReorderLane CreateLane(int capacity)
    {
        BeforeLane();
        Interlocked.Increment(ref openLanes);
        return new Lane(this, engine.CreateLane(capacity));
    }

    private sealed class Lane(TestEngine owner, IReorderLane lane) : IReorderLane
    {
        public Memory<byte> Input => lane.Input;

        public ReadOnlyMemory<byte> Permute(in Gather gather)
        {
            owner.BeforePermute();
            return lane.Permute(gather);
        }

        public void Dispose()
        {
            Interlocked.Decrement(ref owner.openLanes);
            lane.Dispose();
        }
    }
}
