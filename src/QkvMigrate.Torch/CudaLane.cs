using QkvMigrate.Reordering;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>
/// A lane on a CUDA device, staged through page-locked memory: the copy to the device, the selection of rows and the copy
/// back are queued, and waited for together. TorchSharp 0.107 exposes neither streams nor events: everything runs on the default
/// stream, in order, and a lane waits for what the other lanes have queued as well. Copies in both directions at once, by the
/// driver's own streams, would save at most 0.14 s of the 3.0 s that 8 GiB take on an H200, were every byte of them moved
/// (55 GB/s one way, 50 each when both are under way), and have to be right without TorchSharp's knowledge of them.
/// One index_select is one kernel launch for the slab, where copies of runs would be one each.
/// </summary>
internal sealed class CudaLane : ReorderLane
{
    private readonly Device where;
    private readonly Tensor source;
    private readonly Tensor staged;
    private readonly NativeBuffer input;
    private readonly NativeBuffer output;
    private readonly GatherCache gathers;

    public CudaLane(int capacity, Device where)
        : base(capacity)
    {
        this.where = where;
        source = HostTensor.AllocatePinned(capacity);
        input = HostTensor.BytesOf(source);
        staged = empty(capacity, ScalarType.Byte, where).DetachFromDisposeScope();
        var target = HostTensor.AllocatePinned(capacity);
        output = HostTensor.BytesOf(target);
        gathers = new GatherCache((in Gather gather) => new RowIndex(gather, staged, target));
    }

    public override Memory<byte> Input => input.Memory;

    protected override ReadOnlyMemory<byte> Output => output.Memory;

    protected override void Run(in Gather gather)
    {
        try
        {
            using (NewDisposeScope())
            {
                staged.narrow(0, 0, gather.ByteCount).copy_(source.narrow(0, 0, gather.ByteCount), nonBlocking: true);
            }

            gathers.Get(gather).Run();
            cuda.synchronize(where);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {where}: no slab of {gather.ByteCount} bytes");
        }
    }

    protected override void Free()
    {
        gathers.Dispose();
        staged.Dispose();
        ((IDisposable)input).Dispose();
        ((IDisposable)output).Dispose();
    }
}
