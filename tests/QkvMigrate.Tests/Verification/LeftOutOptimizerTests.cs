using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Tests.Planning.Optimizers;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Verification;

/// <summary>A file from which an upgrade left the optimizers out is proven: they are gone, and nothing else.</summary>
public sealed class LeftOutOptimizerTests : IDisposable
{
    private readonly TrainingState state = new();

    public void Dispose() => state.Dispose();

    [Fact]
    public void A_file_without_its_optimizers_is_proven()
    {
        state.Write(false, Objects());
        Upgrade(dropOptimizer: true);
        Assert.Empty(Verify().Differences);
        Assert.Throws<MigrationException>(() => Verify(isWithoutOptimizer: false));
    }

    [Fact]
    public void A_list_of_optimizers_is_left_out_whole()
    {
        var objects = Objects();
        state.Write(false, objects[0], ("optimizer_states", List(objects[1].Value, objects[2].Value)), objects[3]);
        Upgrade(dropOptimizer: true);
        Assert.Empty(Verify().Differences);
    }

    [Fact]
    public void An_optimizer_that_is_still_there_is_found()
    {
        state.Write(false, Objects());
        Upgrade(dropOptimizer: false);
        Assert.NotEmpty(Verify().Differences);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_else_is_gone_or_left_is_found(int kept)
    {
        // One optimizer of the two, or a note that is gone, or the storages of both.
        var objects = Objects();
        state.Write(false, kept == 3 ? [objects[0], objects[3]] : [objects[0], objects[kept], objects[3]]);
        Upgrade(dropOptimizer: false);
        state.Write(false, objects);
        Assert.NotEmpty(Verify().Differences);
    }

    [Theory]
    [InlineData("model/transformer.h.0.attn.qkv.weight")]
    [InlineData("model/transformer.h.0.mlp.fc.weight")]
    public void A_tensor_with_other_numbers_is_found(string label)
    {
        state.Write(false, Objects());
        Upgrade(dropOptimizer: true);
        var bytes = File.ReadAllBytes(state.Upgraded);
        using (var upgraded = Checkpoint.Open(state.Upgraded))
        {
            bytes[Assert.Single(upgraded.Tensors, tensor => tensor.Label == label).FileOffset + 5] ^= 1;
        }

        File.WriteAllBytes(state.Upgraded, bytes);
        Assert.NotEmpty(Verify().Differences);
    }

    private (string Key, string Value)[] Objects() =>
    [
        ("model", state.Model()),
        ("optimizer", Optimizer(Keyed((Int(1), Dict(("exp_avg", state.Matrix())))), Group(Int(0), Int(1), Int(2)))),
        ("second", Optimizer(Keyed((Text(Fused), Dict(("exp_avg", state.Matrix())))), Group(Text(Fused)))),
        ("note", Text("attn.attn")),
    ];

    private void Upgrade(bool dropOptimizer) => Assert.Null(Assert.Single(Migrator.Run(
        new MigrationRequest
        {
            Path = state.Original,
            Output = state.Upgraded,
            Direction = MigrationDirection.Upgrade,
            Geometry = new GeometryFlags(TrainingState.Geometry.HeadCount, TrainingState.Geometry.QueryGroupCount, TrainingState.Geometry.HeadSize),
            DropOptimizer = dropOptimizer,
            Engine = () => new StreamReorderEngine(),
        },
        TestContext.Current.CancellationToken)).Error);

    private VerificationReport Verify(bool isWithoutOptimizer = true)
    {
        using var before = Checkpoint.Open(state.Original);
        using var begun = CheckpointVerifier.Begin(before, state.Upgraded, [], new VerificationOptions { IsWithoutOptimizer = isWithoutOptimizer });
        return begun.Run(TrainingState.Geometry, TestContext.Current.CancellationToken);
    }
}
