using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class ReorderEnginesTests
{
    [Theory]
    [InlineData("auto", "cpu", "stream", "cpu")]
    [InlineData("stream", "auto", "stream", "cpu")]
    [InlineData("stream", "cpu", "stream", "cpu")]
    [InlineData("torch", "cpu", "torch", "cpu")]
    public void The_engine_is_the_one_that_was_chosen(string engine, string device, string name, string where)
    {
        var made = ReorderEngines.Create(ReorderEngineChoice.Parse(engine, device));
        Assert.Equal((name, where), (made.Name, made.Device));
    }

    [Theory]
    [InlineData("auto", "stream")]
    [InlineData("torch", "torch")]
    public void Automatic_is_CUDA_where_there_is_one(string engine, string withoutCuda)
    {
        var made = ReorderEngines.Create(ReorderEngineChoice.Parse(engine, "auto"));
        Assert.Equal(TorchReorderEngine.CudaProblem(0) is null ? ("torch", "cuda:0") : (withoutCuda, "cpu"), (made.Name, made.Device));
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
        var refused = Assert.Throws<MigrationException>(() => ReorderEngines.Create(choice));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.Equal($"--device {named}: no such CUDA device is usable here ({problem}); use --device cpu or --engine stream", refused.Message);
    }
}
