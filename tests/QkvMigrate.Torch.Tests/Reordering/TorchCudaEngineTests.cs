using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class TorchCudaEngineTests : TorchReorderEngineContract
{
    protected override IReorderEngine CreateEngine()
    {
        var problem = TorchReorderEngine.CudaProblem(0);
        Assert.SkipUnless(problem is null, $"no CUDA device: {problem}");
        return TorchReorderEngine.Create(new ReorderDevice(ReorderDeviceKind.Cuda));
    }
}
