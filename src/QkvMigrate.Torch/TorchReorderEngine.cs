using QkvMigrate.Reordering;
using QkvMigrate.Torch.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>
/// The TorchSharp engine: bytes are uint8 tensors, and the permutation is libtorch's. On the CPU the lane's buffers are
/// the tensors themselves; on CUDA they are page-locked staging. Seen on 2026-11-28 on an H200 (driver 580, PyTorch
/// 2.11.0+cu130): the suite that all engines are held to passes.
/// </summary>
public sealed class TorchReorderEngine : IReorderEngine
{
    private readonly Func<int, IReorderLane> createLane;

    private TorchReorderEngine(ComputeDevice device, Func<int, IReorderLane> createLane)
    {
        Device = device.Kind == ComputeDeviceKind.Cpu ? "cpu" : device.ToString();
        this.createLane = createLane;
    }

    /// <inheritdoc/>
    public string Name => "torch";

    /// <inheritdoc/>
    public string Device { get; }

    /// <summary>Loads libtorch and makes an engine on the device; <c>auto</c> takes the first CUDA device where it is usable, else the CPU.</summary>
    /// <exception cref="MigrationException">libtorch does not load, or the CUDA device is not usable.</exception>
    public static TorchReorderEngine Create(ComputeDevice device)
    {
        if (device.Kind == ComputeDeviceKind.Auto)
        {
            device = CudaProblem(0) is null ? new ComputeDevice(ComputeDeviceKind.Cuda) : ComputeDevice.Cpu;
        }
        else if (device.Kind == ComputeDeviceKind.Cuda && CudaProblem(device.Index) is { } problem)
        {
            throw new MigrationException(
                FailureKind.Unavailable,
                $"--device {device}: no such CUDA device is usable here ({problem}); use --device cpu or --engine stream");
        }

        TorchLibrary.Load();
        return device.Kind == ComputeDeviceKind.Cpu
            ? new TorchReorderEngine(device, capacity => new CpuLane(capacity))
            : new TorchReorderEngine(device, capacity => new CudaLane(capacity, new Device(DeviceType.CUDA, device.Index)));
    }

    /// <summary>
    /// Says why CUDA device <paramref name="index"/> is not usable, or null where it is. Loads libtorch only where a driver and
    /// a CUDA build are there.
    /// </summary>
    public static string? CudaProblem(int index) => CudaProbe.Problem(index);

    /// <inheritdoc/>
    /// <exception cref="MigrationException">libtorch has no memory for the buffers.</exception>
    public IReorderLane CreateLane(int capacity)
    {
        try
        {
            return createLane(capacity);
        }
        catch (Exception error) when (TorchFailure.IsOne(error))
        {
            throw TorchFailure.Of(error, $"--device {Device}: no lane of {capacity} bytes");
        }
    }
}
