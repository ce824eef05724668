using QkvMigrate.Reordering;
using QkvMigrate.Torch.Tests.Support;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class ReorderEnginesTests
{
    [Theory]
    [InlineData("auto", "cpu", "stream", "cpu", ReorderEngines.Fastest)]
    [InlineData("auto", "auto", "stream", "cpu", ReorderEngines.Fastest)]
    [InlineData("stream", "auto", "stream", "cpu", "--engine stream")]
    [InlineData("stream", "cpu", "stream", "cpu", "--engine stream")]
    [InlineData("torch", "cpu", "torch", "cpu", "--engine torch")]
    public void The_engine_is_the_one_that_was_chosen(string engine, string device, string name, string where, string reason)
    {
        var chosen = ReorderEngines.Choose(ReorderEngineChoice.Parse(engine, device));
        Assert.Equal((name, where, reason), (chosen.Engine.Name, chosen.Engine.Device, chosen.Reason));
    }

    [Fact]
    public void TorchSharp_takes_CUDA_where_there_is_one()
    {
        var engine = ReorderEngines.Choose(ReorderEngineChoice.Parse("torch", "auto")).Engine;
        Assert.Equal(("torch", TorchReorderEngine.CudaProblem(0) is null ? "cuda:0" : "cpu"), (engine.Name, engine.Device));
    }

    [Fact]
    public void CUDA_that_is_asked_for_is_TorchSharps()
    {
        CudaTest.Device("cuda");
        var chosen = ReorderEngines.Choose(ReorderEngineChoice.Parse("auto", "cuda"));
        Assert.Equal(("torch", "cuda:0", "--device cuda:0"), (chosen.Engine.Name, chosen.Engine.Device, chosen.Reason));
    }

    [Theory]
    [InlineData("auto", "cuda", "cuda:0")]
    [InlineData("torch", "cuda:0", "cuda:0")]
    [InlineData("torch", "cuda:127", "cuda:127")]
    public void Without_a_CUDA_device_CUDA_is_refused(string engine, string device, string named)
    {
        var choice = ReorderEngineChoice.Parse(engine, device);
        var problem = TorchReorderEngine.CudaProblem(choice.Device.Index);
        Assert.SkipWhen(problem is null, $"{device} is usable here");
        var refused = Assert.Throws<MigrationException>(() => ReorderEngines.Choose(choice));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.Equal($"--device {named}: no such CUDA device is usable here ({problem}); use --device cpu or --engine stream", refused.Message);
    }
}
