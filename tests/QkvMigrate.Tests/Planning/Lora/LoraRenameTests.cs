using QkvMigrate.Attention;
using QkvMigrate.Planning.Lora;
using Xunit;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>Where LitGPT put the delta's rows to their interleaved places by an index, a new name is all that is needed.</summary>
public sealed class LoraRenameTests : IDisposable
{
    private static readonly AttentionGeometry Gqa = new(6, 2, 4);

    private readonly LoraFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    public void Some_of_three_keep_their_matrices(bool query, bool key, bool value) =>
        AssertRenamed(new LoraModel(Gqa, new LoraSections(query, key, value)), new LoraOptions());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Multi_query_attention_keeps_them_whatever_the_era(bool isBefore900) =>
        AssertRenamed(new LoraModel(new AttentionGeometry(4, 1, 4), LoraSections.All), new LoraOptions(IsBefore900: isBefore900));

    [Fact]
    public void Expand_leaves_alone_what_a_new_name_keeps_exactly() =>
        AssertRenamed(new LoraModel(Gqa, new LoraSections(true, false, true)), new LoraOptions(LoraTreatment.Expand));

    private void AssertRenamed(LoraModel model, LoraOptions options)
    {
        _folder.Write(model.Tensors(), model.ModelConfiguration(), model.Hyperparameters());
        Assert.Null(_folder.Upgrade(options).Error);
        var upgraded = LoraFolder.Read(_folder.Upgraded);
        Assert.Equal(["qkv.lora_A", "qkv.lora_B", "qkv.linear.weight", "proj.lora_A", "proj.lora_B", "proj.linear.weight"], upgraded.Keys.Select(name => name[LoraModel.Prefix.Length..]));
        Assert.Equal(model.A, upgraded[LoraModel.Prefix + "qkv.lora_A"]);
        Assert.Equal(model.B, upgraded[LoraModel.Prefix + "qkv.lora_B"]);
        Assert.Equal(model.ToSequential(model.Base), upgraded[LoraModel.Prefix + "qkv.linear.weight"]);
        Assert.Equal(model.Hyperparameters(), LoraFolder.Hyperparameters(_folder.Upgraded));

        Assert.Null(_folder.Downgrade(options).Error);
        foreach (var file in Directory.EnumerateFiles(_folder.Legacy))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_folder.Back, Path.GetFileName(file))));
        }
    }
}
