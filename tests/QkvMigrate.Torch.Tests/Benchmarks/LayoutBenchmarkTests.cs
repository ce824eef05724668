using QkvMigrate.Configuration.Models;
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
        var result = LayoutBenchmark.Run(plan, ComputeDevice.Cpu, CancellationToken.None);
        Assert.Equal((LayoutFamilies.Interleaved, LayoutFamilies.Sequential), (result.Interleaved.Layout, result.Sequential.Layout));
        Assert.Equal(new MeasuredLengths(63, 32, 32), result.Lengths);
        Assert.Equal("resident set", result.PeakCounter);
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
    [InlineData(null, null, null, 255, 64, 64, 256)]
    [InlineData(null, null, null, 256, 64, 64, 2048)]
    [InlineData(null, null, null, 63, 32, 32, 64)]
    [InlineData(null, null, null, 1, 1, 0, 1)]
    [InlineData(null, null, 1950, 256, 64, 1950, 2048)]
    [InlineData(null, null, 2000, 256, 48, 2000, 2048)]
    [InlineData(2048, 98, 1950, 2048, 98, 1950, 2048)]
    [InlineData(7, 5, 0, 7, 5, 0, 2048)]
    [InlineData(null, 60, null, 63, 60, 4, 64)]
    public void Lengths_are_those_that_were_asked_for_or_what_fits(int? sequence, int? prompt, int? newTokens, int expectedSequence, int expectedPrompt, int expectedNew, int block) =>
        Assert.Equal(new MeasuredLengths(expectedSequence, expectedPrompt, expectedNew), new BenchmarkLengths(sequence, prompt, newTokens).For(new ModelConfiguration { BlockSize = block }));

    [Theory]
    [InlineData(65, null, null, "--sequence-length 65 is more than the model's block_size of 64")]
    [InlineData(null, 60, 5, "60 tokens of the prompt and 5 new ones are more than the model's block_size of 64")]
    [InlineData(null, null, int.MaxValue, "1 tokens of the prompt and 2147483647 new ones are more than the model's block_size of 64")]
    public void Lengths_that_the_model_does_not_take_are_refused(int? sequence, int? prompt, int? newTokens, string message)
    {
        var refused = Assert.Throws<MigrationException>(() => new BenchmarkLengths(sequence, prompt, newTokens).For(new ModelConfiguration { BlockSize = 64 }));
        Assert.Equal((FailureKind.Usage, message), (refused.Kind, refused.Message));
    }

    [Fact]
    public void A_CUDA_devices_memory_is_counted_for_each_layout_by_itself()
    {
        var device = CudaTest.Device("cuda");
        var plan = new LayoutBenchmarkPlan
        {
            Configuration = BenchmarkShapes.Scaled(BenchmarkShapes.Find("tiny-llama-1.1b"), 0.5),
            Precision = BenchmarkPrecision.BFloat16,
            Lengths = new BenchmarkLengths(Prompt: 98, NewTokens: 1950),
            Repetitions = 2,
            Samples = 1,
        };
        var result = LayoutBenchmark.Run(plan, device, CancellationToken.None);
        Assert.Equal(("cuda:0", "device memory"), (result.Device, result.PeakCounter));
        Assert.Equal(8 * result.Sequential.CacheBytes, result.Interleaved.CacheBytes);
        Assert.InRange(result.Sequential.GenerationPeakBytes!.Value, 2 * result.ParameterCount, result.Interleaved.GenerationPeakBytes!.Value);
        Assert.InRange(result.Sequential.TrainingPeakBytes!.Value, 8 * result.ParameterCount, long.MaxValue);
    }

    [Fact]
    public void Bfloat16_halves_the_cache() => LiveTensors.AreGoneAfter(() =>
    {
        var plan = new LayoutBenchmarkPlan { Configuration = ModelConfigurationReader.Find(GoldenLogits.Path("llama-gqa"))!, Repetitions = 1, Samples = 1 };
        var full = LayoutBenchmark.Run(plan, ComputeDevice.Cpu, CancellationToken.None);
        var half = LayoutBenchmark.Run(plan with { Precision = BenchmarkPrecision.BFloat16 }, ComputeDevice.Cpu, CancellationToken.None);
        Assert.Equal(full.Interleaved.CacheBytes, 2 * half.Interleaved.CacheBytes);
        Assert.Equal(full.Sequential.CacheBytes, 2 * half.Sequential.CacheBytes);
        Assert.True(half.Sequential.TrainingStepSeconds > 0);
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
        Assert.Throws<OperationCanceledException>(() => LayoutBenchmark.Run(plan, ComputeDevice.Cpu, new CancellationToken(canceled: true)));
    });
}
