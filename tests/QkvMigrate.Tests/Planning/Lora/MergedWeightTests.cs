using System.Runtime.InteropServices;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using Xunit;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>A weight comes out in its new order with its delta, in however small blocks it is worked out.</summary>
public sealed class MergedWeightTests : IDisposable
{
    private static readonly AttentionGeometry Gqa = new(6, 2, 4);

    private readonly LoraFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(96)]
    [InlineData(97)]
    [InlineData(3 * 96)]
    [InlineData(7 * 96)]
    [InlineData(40 * 96)]
    [InlineData(1 << 20)]
    public void In_blocks_of_any_size(int blockBytes)
    {
        var model = new LoraModel(Gqa, new LoraSections(true, false, true));
        _folder.Write(model.Tensors(), model.ModelConfiguration(), null);
        using var checkpoint = Checkpoint.Open(_folder.Checkpoint);
        var layer = LoraLayer.Find(checkpoint, "attn.attn")[0];
        var weight = checkpoint.Tensors.Single(tensor => tensor.Label == LoraModel.Prefix + "attn.linear.weight");
        var permutation = RowPermutation.Between(Gqa, RowOrder.Interleaved, RowOrder.Sequential);
        var updater = new PlainUpdater();
        var merged = new MergedWeight(
            new LoraWeight(weight, layer),
            permutation.Runs,
            [.. LoraRows.ByRow(permutation, model.Sections, Gqa)],
            (double)LoraModel.Alpha / LoraModel.Rank,
            () => updater);

        var bytes = new List<byte>();
        var largest = 0;
        merged.Compute(
            block =>
            {
                bytes.AddRange(block);
                largest = Math.Max(largest, block.Length);
            },
            blockBytes,
            CancellationToken.None);

        Assert.Equal(merged.Length, bytes.Count);
        Assert.True(largest <= Math.Max(blockBytes, model.Width * sizeof(float)));
        var expected = model.ToSequential(Matrix.Sum(model.Base, model.SequentialDelta()));
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(bytes.ToArray()).ToArray().Chunk(model.Width).ToArray());
    }

    [Fact]
    public void Ends_where_it_is_cancelled()
    {
        var model = new LoraModel(Gqa, LoraSections.All);
        _folder.Write(model.Tensors(), model.ModelConfiguration(), null);
        using var checkpoint = Checkpoint.Open(_folder.Checkpoint);
        var layer = LoraLayer.Find(checkpoint, "attn.attn")[0];
        var weight = checkpoint.Tensors.Single(tensor => tensor.Label == LoraModel.Prefix + "attn.linear.weight");
        var updater = new PlainUpdater();
        using var stop = new CancellationTokenSource();
        var merged = new MergedWeight(new LoraWeight(weight, layer), [new RowRun(0, 40)], [], 1, () => updater);
        var blocks = 0;
        Assert.Throws<OperationCanceledException>(() => merged.Compute(
            _ =>
            {
                blocks++;
                stop.Cancel();
            },
            1,
            stop.Token));
        Assert.Equal(1, blocks);
    }
}
