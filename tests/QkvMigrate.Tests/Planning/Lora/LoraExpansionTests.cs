using QkvMigrate.Attention;
using QkvMigrate.Configuration;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Running;
using Xunit;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>By the rules of today's LitGPT an expanded LoRA adds what the old one added, row for row with the base.</summary>
public sealed class LoraExpansionTests : IDisposable
{
    private static readonly AttentionGeometry[] Geometries = [new(6, 2, 4), new(8, 4, 2), new(4, 4, 3)];
    private static readonly LoraOptions Expand = new(LoraTreatment.Expand);
    private static readonly LoraOptions ExpandBefore900 = new(LoraTreatment.Expand, IsBefore900: true);
    private static readonly bool[] Both = [true, false];

    private readonly LoraFolder _folder = new();

    public static TheoryData<int, int, int, bool, bool, bool> EveryChoice { get; } = new(
        from geometry in Geometries
        from query in Both
        from key in Both
        from value in Both
        where query || key || value
        select (geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize, query, key, value));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(EveryChoice))]
    public void Of_the_early_era_adds_the_same(int heads, int groups, int headSize, bool query, bool key, bool value) =>
        AssertAddsTheSame(new LoraModel(new AttentionGeometry(heads, groups, headSize), new LoraSections(query, key, value)), ExpandBefore900);

    [Theory]
    [InlineData(6, 2, 4)]
    [InlineData(8, 4, 2)]
    [InlineData(4, 4, 3)]
    public void Of_all_three_adds_the_same(int heads, int groups, int headSize) =>
        AssertAddsTheSame(new LoraModel(new AttentionGeometry(heads, groups, headSize), LoraSections.All), Expand);

    [Fact]
    public void Fills_other_layers_up_with_zeros()
    {
        var model = new LoraModel(Geometries[0], LoraSections.All);
        Upgrade(model, Expand);
        var upgraded = LoraFolder.Read(_folder.Upgraded);
        Assert.Equal([.. model.ProjectionA, .. Matrix.Zeros(4, model.Width)], upgraded[LoraModel.Prefix + "proj.lora_A"]);
        Assert.Equal([.. model.ProjectionB.Select(row => (float[])[.. row, 0, 0, 0, 0])], upgraded[LoraModel.Prefix + "proj.lora_B"]);
    }

    [Fact]
    public void Tells_what_it_did()
    {
        var report = Upgrade(new LoraModel(Geometries[0], LoraSections.All), Expand);
        Assert.Equal(new LoraExpansion(2, LoraSections.All), report.Plan!.LoraExpansion);
        var advice = Assert.Single(report.Advice, advice => advice.Code == "lora-settings-change");
        Assert.Equal("the LoRA is to be used with lora_r 6 instead of 2, 3 times its lora_alpha, and lora_query, lora_key and lora_value true", advice.Message);
        var shapes = report.Plan.Moves.Where(move => move.NewShape is not null).Select(move => (move.Tensor.Label[LoraModel.Prefix.Length..], $"{move.NewShape![0]}x{move.NewShape[1]}"));
        Assert.Equal([("attn.lora_A", "18x24"), ("attn.lora_B", "40x6"), ("proj.lora_A", "6x24"), ("proj.lora_B", "24x6")], shapes);
    }

    [Fact]
    public void The_hyperparameters_follow()
    {
        var report = Upgrade(new LoraModel(Geometries[0], new LoraSections(true, false, true)), ExpandBefore900);
        Assert.Equal(
            """
            checkpoint_dir: checkpoints/base
            precision: null
            #qkvmigrate- lora_r: 2
            lora_r: 4  #qkvmigrate+
            #qkvmigrate- lora_alpha: 16
            lora_alpha: 32  #qkvmigrate+
            lora_dropout: 0.05
            lora_query: true
            #qkvmigrate- lora_key: false
            lora_key: true  #qkvmigrate+
            lora_value: true
            lora_projection: true
            seed: 1337

            """,
            LoraFolder.Hyperparameters(_folder.Upgraded));
        Assert.Equal(
            ["hyperparameters.yaml: lora_r 2 becomes 4", "hyperparameters.yaml: lora_alpha 16 becomes 32", "hyperparameters.yaml: lora_key false becomes true"],
            report.ConfigurationChanges);
    }

    [Fact]
    public void The_way_back_expands_again()
    {
        var model = new LoraModel(Geometries[0], LoraSections.All);
        Upgrade(model, Expand);
        var report = _folder.Downgrade(Expand);
        Assert.Null(report.Error);

        // Old LitGPT adds the sections of an adapter of all three to the interleaved rows as they come.
        var back = LoraFolder.Read(_folder.Back);
        var delta = model.UpgradedDelta(back[LoraModel.Prefix + "attn.lora_A"], back[LoraModel.Prefix + "attn.lora_B"], 9 * LoraModel.Alpha);
        Assert.Equal(model.SequentialDelta(), delta);
        Assert.Equal(model.Base, back[LoraModel.Prefix + "attn.linear.weight"]);
        Assert.Contains("lora_r: 18  #qkvmigrate+", LoraFolder.Hyperparameters(_folder.Back), StringComparison.Ordinal);
        Assert.Contains("lora_alpha: 144  #qkvmigrate+", LoraFolder.Hyperparameters(_folder.Back), StringComparison.Ordinal);
    }

    private CheckpointReport Upgrade(LoraModel model, LoraOptions options)
    {
        _folder.Write(model.Tensors(), model.ModelConfiguration(), model.Hyperparameters());
        var report = _folder.Upgrade(options);
        Assert.Null(report.Error);
        return report;
    }

    private void AssertAddsTheSame(LoraModel model, LoraOptions options)
    {
        Upgrade(model, options);
        var upgraded = LoraFolder.Read(_folder.Upgraded);
        var (a, b, weight) = (upgraded[LoraModel.Prefix + "qkv.lora_A"], upgraded[LoraModel.Prefix + "qkv.lora_B"], upgraded[LoraModel.Prefix + "qkv.linear.weight"]);
        Assert.Equal(model.ToSequential(model.Base), weight);

        var delta = model.UpgradedDelta(a, b, LoraModel.Alpha * model.Sections.Count);
        Assert.Equal(model.ToSequential(model.SequentialDelta()), delta);
        Assert.Equal(model.ToSequential(Matrix.Sum(model.Base, model.SequentialDelta())), Matrix.Sum(weight, delta));
    }
}
