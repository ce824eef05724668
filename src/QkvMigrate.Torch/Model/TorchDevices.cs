using QkvMigrate.Reordering;
using QkvMigrate.Torch.Cuda;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>Turns what the command line says into a device of libtorch.</summary>
internal static class TorchDevices
{
    /// <summary>Loads libtorch and names the device; <c>auto</c> is the first CUDA device where it is usable, else the CPU.</summary>
    /// <exception cref="MigrationException">libtorch does not load, or the CUDA device is not usable.</exception>
    public static Device Resolve(ComputeDevice device)
    {
        var problem = device.Kind == ComputeDeviceKind.Cpu ? null : CudaProbe.Problem(device.Index);
        if (problem is not null && device.Kind == ComputeDeviceKind.Cuda)
        {
            throw new MigrationException(FailureKind.Unavailable, $"--device {device}: no such CUDA device is usable here ({problem}); use --device cpu");
        }

        TorchLibrary.Load();
        return device.Kind == ComputeDeviceKind.Cpu || problem is not null ? CPU : new Device(TorchSharp.DeviceType.CUDA, device.Index);
    }
}
