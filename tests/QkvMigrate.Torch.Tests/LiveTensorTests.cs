using QkvMigrate.Checkpoints;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Benchmarks;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using QkvMigrate.Torch.Verification;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests;

/// <summary>
/// What each command that computes with TorchSharp does leaves no tensor of any thread alive, by TorchSharp's count for the
/// process. Other tests count for their own thread; these run alone.
/// </summary>
[Collection(nameof(LiveTensorTests))]
[CollectionDefinition(nameof(LiveTensorTests), DisableParallelization = true)]
public sealed class LiveTensorTests : IDisposable
{
    private static readonly string Legacy = Repository.At("samples", "tiny-licenses-gqa");
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Upgrade_and_downgrade() => NoneIsLeftBy(() =>
    {
        var engine = TorchReorderEngine.Create(ComputeDevice.Cpu);
        foreach (var (direction, from, to) in new[] { (MigrationDirection.Upgrade, Legacy, "new"), (MigrationDirection.Downgrade, folder.At("new"), "old") })
        {
            var request = new MigrationRequest { Path = from, Output = folder.At(to), Direction = direction, Engine = () => engine };
            Assert.Null(Assert.Single(Migrator.Run(request, None)).Error);
        }

        Directory.Delete(folder.At("new"), recursive: true);
        Directory.Delete(folder.At("old"), recursive: true);
    });

    [Fact]
    public void Generate_leaves_no_tensor() => NoneIsLeftBy(() =>
        Assert.Equal(3 + 8, CheckpointGeneration.Run(CheckpointLocation.Find(Legacy), [1, 2, 3], new GenerationOptions { MaxNewTokens = 8 }, ModelPrecision.Full, ComputeDevice.Cpu, None).Tokens.Count));

    [Fact]
    public void Verify_forward_leaves_no_tensor() => NoneIsLeftBy(() =>
    {
        using var upgraded = new UpgradedCheckpoint(Legacy);
        Assert.True(ForwardCheck.Run(Legacy, upgraded.Path, ModelPrecision.Full, ComputeDevice.Cpu, None).IsSame);
    });

    [Fact]
    public void Bench_leaves_no_tensor()
    {
        // TorchSharp never uncounts a tensor whose handle a Parameter takes over: one for each parameter and layout.
        using var sample = Checkpoint.Open(Path.Combine(Legacy, "lit_model.pth"));
        NoneIsLeftBy(BenchSample, handedOver: 2 * sample.Tensors.Count);
    }

    private static void BenchSample()
    {
        var plan = new LayoutBenchmarkPlan { Configuration = ModelConfigurationReader.Find(Legacy)!, Repetitions = 1, Samples = 1 };
        var measured = LayoutBenchmark.Run(plan, ComputeDevice.Cpu, None);
        Assert.Equal(4 * measured.Sequential.CacheBytes, measured.Interleaved.CacheBytes);
    }

    private static void NoneIsLeftBy(Action work, long handedOver = 0)
    {
        // What a first use makes for good is made before the count, and what other tests left to the finalizer is gone.
        work();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;
        work();
        Assert.Equal(before + handedOver, torch.Tensor.TotalCount);
    }
}
