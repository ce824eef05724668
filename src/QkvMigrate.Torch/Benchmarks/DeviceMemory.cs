using System.Runtime.InteropServices;
using QkvMigrate.Torch.Cuda;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>
/// The memory of a CUDA device that this process took since it began, by the driver's count. libtorch's allocator keeps what
/// it took, so that the count after some work is the most that the work had reserved; it is right where no other process
/// takes memory of the device meanwhile. Written by the documentation of both, and never run: there was no device for it.
/// </summary>
internal sealed class DeviceMemory : IPeakMemory
{
    private readonly Device device;
    private readonly long before;

    /// <summary>Begins on a device on which there is no tensor yet.</summary>
    public DeviceMemory(Device device)
    {
        this.device = device;
        cuda.synchronize(device);
        before = CudaDriver.UsedBytes(device.index);
    }

    /// <inheritdoc/>
    public string Counter => "device memory";

    /// <summary>
    /// Has the allocator give back what nobody uses. TorchSharp has no name for that, but before the allocator refuses a
    /// tensor, it does so by itself; the one that is asked for here no device can hold (c10/cuda/CUDACachingAllocator.cpp, <c>malloc</c>).
    /// </summary>
    public void Reset()
    {
        const long tooMuch = 1L << 50;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        cuda.synchronize(device);
        try
        {
            using var refused = empty(tooMuch, ScalarType.Byte, device);
        }
        catch (ExternalException)
        {
            // As it should be.
        }
    }

    /// <inheritdoc/>
    public long? Read()
    {
        cuda.synchronize(device);
        return CudaDriver.UsedBytes(device.index) - before;
    }
}
