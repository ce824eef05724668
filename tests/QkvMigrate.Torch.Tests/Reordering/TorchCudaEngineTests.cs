using QkvMigrate.Reordering;
using QkvMigrate.Torch.Tests.Support;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class TorchCudaEngineTests : TorchReorderEngineContract
{
    protected override IReorderEngine CreateEngine() => TorchReorderEngine.Create(CudaTest.Device("cuda"));
}
