using QkvMigrate.Attention;
using QkvMigrate.Reordering;
using QkvMigrate.Testing.Reordering;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class TorchCpuEngineTests : TorchReorderEngineContract
{
    protected override IReorderEngine CreateEngine() => TorchReorderEngine.Create(ComputeDevice.Cpu);

    [Fact]
    public void It_names_itself()
    {
        var engine = CreateEngine();
        Assert.Equal("torch", engine.Name);
        Assert.Equal("cpu", engine.Device);
    }

    [Fact]
    public void The_callers_number_of_threads_is_kept() => WithEngine(engine =>
    {
        var threads = torch.get_num_threads();
        torch.set_num_threads(3);
        using var lane = engine.CreateLane(8);
        GatherCase.AssertPermutes(lane, 1, 1, [new(5, 3), new(0, 5)], seed: 1);
        Assert.Equal(3, torch.get_num_threads());
        torch.set_num_threads(threads);
    });

    [Theory]
    [InlineData(1, 4096, 5, 64, true)]      // fp16 weights of 2048 columns
    [InlineData(682, 1, 16, 128, true)]     // column-major uint8 of GPTQ
    [InlineData(600, 4, 32, 8, true)]       // AutoGPTQ: 8 heads' values packed into an int32
    [InlineData(1, 2, 32, 64, false)]       // a bias
    [InlineData(1, 8, 32, 128, false)]      // lora_B of rank 4
    public void Heads_are_copied_and_biases_selected(int outer, int unit, int heads, int headSize, bool copied)
    {
        var permutation = RowPermutation.Between(new AttentionGeometry(heads, heads, headSize), RowOrder.Interleaved, RowOrder.Sequential);
        Assert.Equal(copied, CpuLane.CopiesAreCheaper(new Gather(outer, permutation.RowCount, unit, permutation.Runs.ToArray())));
    }
}
