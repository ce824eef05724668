using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>Devices for tests that run on the CPU, and on CUDA where libtorch and a driver give a device (<c>QKVMIGRATE_LIBTORCH</c> names a libtorch).</summary>
internal static class CudaTest
{
    /// <summary>The device of a name; ends the calling test where there is no such CUDA device.</summary>
    public static ComputeDevice Device(string name)
    {
        var device = ComputeDevice.Parse(name);
        var problem = device.Kind == ComputeDeviceKind.Cuda ? TorchReorderEngine.CudaProblem(device.Index) : null;
        Assert.SkipUnless(problem is null, $"no CUDA device: {problem}");
        return device;
    }
}
