using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>
/// A lane on a CUDA device, staged through page-locked memory: Begin queues the copy to the device, the selection of
/// rows and the copy back, and returns, so that another lane is read or written meanwhile; Complete waits.
/// One index_select is one kernel launch for the slab, where copies of runs would be one each.
/// </summary>
internal sealed class CudaLane : ReorderLane
{
    private readonly CudaQueue queue;
    private readonly TensorMemory input;
    private readonly TensorMemory output;
    private readonly Tensor device;
    private readonly GatherCache gathers;
    private long ticket;

    public CudaLane(int capacity, Device device, CudaQueue queue)
        : base(capacity)
    {
        this.queue = queue;
        input = TensorMemory.AllocatePinned(capacity);
        output = TensorMemory.AllocatePinned(capacity);
        this.device = empty(capacity, ScalarType.Byte, device).DetachFromDisposeScope();
        gathers = new GatherCache((in Gather gather) => new RowIndex(gather, this.device, output.Tensor));
    }

    public override Memory<byte> Input => input.Memory;

    protected override ReadOnlyMemory<byte> Output => output.Memory;

    protected override void Start(in Gather gather)
    {
        using (NewDisposeScope())
        {
            device.narrow(0, 0, gather.ByteCount).copy_(input.Tensor.narrow(0, 0, gather.ByteCount), nonBlocking: true);
        }

        gathers.Get(gather).Run();
        ticket = queue.Enqueued();
    }

    protected override void Finish() => queue.Wait(ticket);

    protected override void Free()
    {
        gathers.Dispose();
        device.Dispose();
        ((IDisposable)input).Dispose();
        ((IDisposable)output).Dispose();
    }
}
