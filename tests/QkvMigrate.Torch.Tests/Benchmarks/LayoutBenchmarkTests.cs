using QkvMigrate.Layouts;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Benchmarks;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Benchmarks;

public sealed class LayoutBenchmarkTests
{
    [Theory]
    [InlineData("llama-gqa", 4)]
    [InlineData("mixtral-moe", 2)]
    [InlineData("pythia-mha", 1)]
    public void Both_layouts_are_measured(string name, int ratio) => LiveTensors.AreGoneAfter(() =>
    {
        var configuration = ModelConfigurationReader.Find(GoldenLogits.Path(name))!;
        var plan = new LayoutBenchmarkPlan { Configuration = configuration, Repetitions = 2, Samples = 2 };
        var result = LayoutBenchmark.Run(plan, ReorderDevice.Cpu, CancellationToken.None);
        Assert.Equal((LayoutFamilies.Interleaved, LayoutFamilies.Sequential), (result.Interleaved.Layout, result.Sequential.Layout));
        Assert.Equal((63, 32, 32), (result.Plan.SequenceLength, result.Plan.PromptLength, result.Plan.NewTokens));
        Assert.Equal(ratio * result.Sequential.CacheBytes, result.Interleaved.CacheBytes);
        Assert.Equal("cpu", result.Device);
        Assert.Equal(CountingParameters.Of(configuration), result.ParameterCount);
        foreach (var measured in new[] { result.Interleaved, result.Sequential })
        {
            Assert.True(measured.TrainingStepSeconds > 0);
            Assert.True(measured.TokensPerSecond > 0);
            Assert.True(measured.TrainingPeakBytes > 1 << 20);
            Assert.True(measured.GenerationPeakBytes > 1 << 20);
        }
    });

    [Theory]
    [InlineData("interleaved")]
    [InlineData("sequential")]
    public void A_training_step_trains(string layout) => LiveTensors.AreGoneAfter(() =>
    {
        using var parameters = new RandomParameters(7, torch.ScalarType.Float32, torch.CPU);
        using var model = new Gpt(ModelConfigurationReader.Find(GoldenLogits.Path("llama-gqa"))!, LayoutFamilies.Named(layout)!, parameters);
        using var step = new TrainingStep(model, length: 20, seed: 7);
        var losses = Enumerable.Range(0, 40).Select(_ => step.Run()).ToList();

        // At first all of the 96 tokens are nearly as likely.
        Assert.Equal(Math.Log(96), losses[0], 0.1);
        Assert.True(losses[^1] < losses[0] - 1, $"{losses[0]} to {losses[^1]}");
        Assert.All(
            model.Parameters,
            parameter =>
            {
                using var gradient = parameter.grad;
                Assert.NotNull(gradient);
            },
            throwIfEmpty: true);
    });

    [Fact]
    public void A_cancelled_benchmark_ends() => LiveTensors.AreGoneAfter(() =>
    {
        var plan = new LayoutBenchmarkPlan { Configuration = ModelConfigurationReader.Find(GoldenLogits.Path("llama-gqa"))! };
        Assert.Throws<OperationCanceledException>(() => LayoutBenchmark.Run(plan, ReorderDevice.Cpu, new CancellationToken(canceled: true)));
    });
}
