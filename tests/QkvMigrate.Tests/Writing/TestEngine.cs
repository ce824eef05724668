using QkvMigrate.Reordering;

namespace QkvMigrate.Tests.Writing;

/// <summary>The stream engine, watched and disturbed: what a test has to say before a lane is made, begins, completes.</summary>
internal sealed class TestEngine : IReorderEngine
{
    private readonly StreamReorderEngine engine = new();

    public string Name => "test";

    public string Device => "cpu";

    public Action BeforeLane { get; init; } = () => { };

    public Action BeforeBegin { get; init; } = () => { };

    public Action BeforeComplete { get; init; } = () => { };

    /// <summary>Lanes that were made and not disposed of.</summary>
    public int OpenLanes { get; private set; }

    public IReorderLane CreateLane(int capacity)
    {
        BeforeLane();
        OpenLanes++;
        return new Lane(this, engine.CreateLane(capacity));
    }

    public void Dispose() => engine.Dispose();

    private sealed class Lane(TestEngine owner, IReorderLane lane) : IReorderLane
    {
        public Memory<byte> Input => lane.Input;

        public void Begin(in Gather gather)
        {
            owner.BeforeBegin();
            lane.Begin(gather);
        }

        public ReadOnlyMemory<byte> Complete()
        {
            owner.BeforeComplete();
            return lane.Complete();
        }

        public void Dispose()
        {
            owner.OpenLanes--;
            lane.Dispose();
        }
    }
}
