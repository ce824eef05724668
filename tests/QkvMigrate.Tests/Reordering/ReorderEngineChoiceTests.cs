using QkvMigrate.Reordering;
using Xunit;

namespace QkvMigrate.Tests.Reordering;

public sealed class ReorderEngineChoiceTests
{
    [Theory]
    [InlineData("auto", ComputeDeviceKind.Auto, 0, "auto")]
    [InlineData("cpu", ComputeDeviceKind.Cpu, 0, "cpu")]
    [InlineData("cuda", ComputeDeviceKind.Cuda, 0, "cuda:0")]
    [InlineData("cuda:0", ComputeDeviceKind.Cuda, 0, "cuda:0")]
    [InlineData("cuda:17", ComputeDeviceKind.Cuda, 17, "cuda:17")]
    [InlineData("cuda:127", ComputeDeviceKind.Cuda, 127, "cuda:127")]
    public void A_device_is_read(string text, ComputeDeviceKind kind, int index, string rendered)
    {
        var device = ComputeDevice.Parse(text);
        Assert.Equal(new ComputeDevice(kind, index), device);
        Assert.Equal(rendered, device.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("CPU")]
    [InlineData("cpu:0")]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:+1")]
    [InlineData("cuda: 1")]
    [InlineData("cuda:128")]
    [InlineData("cuda:256")]
    [InlineData("cuda:99999999999999999999")]
    [InlineData("cuda:0x1")]
    public void Another_device_is_refused(string text)
    {
        var refused = Assert.Throws<MigrationException>(() => ComputeDevice.Parse(text));
        Assert.Equal(FailureKind.Usage, refused.Kind);
        Assert.Equal($"--device {text}: expected auto, cpu, cuda, or cuda:N with N from 0 to 127", refused.Message);
    }

    [Theory]
    [InlineData("auto", "auto", ReorderEngineKind.Auto)]
    [InlineData("torch", "cuda:1", ReorderEngineKind.Torch)]
    [InlineData("stream", "auto", ReorderEngineKind.Stream)]
    [InlineData("stream", "cpu", ReorderEngineKind.Stream)]
    [InlineData("auto", "cuda", ReorderEngineKind.Auto)]
    public void An_engine_is_read(string engine, string device, ReorderEngineKind kind) =>
        Assert.Equal(new ReorderEngineChoice(kind, ComputeDevice.Parse(device)), ReorderEngineChoice.Parse(engine, device));

    [Theory]
    [InlineData("Torch", "cpu", "--engine Torch: expected auto, torch, or stream")]
    [InlineData("", "cpu", "--engine : expected auto, torch, or stream")]
    [InlineData("stream", "gpu", "--device gpu: expected auto, cpu, cuda, or cuda:N with N from 0 to 127")]
    [InlineData("stream", "cuda:1", "--engine stream computes on the CPU alone, and --device cuda:1 asks for CUDA; use --engine torch")]
    public void Another_engine_is_refused(string engine, string device, string message)
    {
        var refused = Assert.Throws<MigrationException>(() => ReorderEngineChoice.Parse(engine, device));
        Assert.Equal(FailureKind.Usage, refused.Kind);
        Assert.Equal(message, refused.Message);
    }
}
