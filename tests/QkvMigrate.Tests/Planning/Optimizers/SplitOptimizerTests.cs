using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Planning.Optimizers;

/// <summary>
/// A tensor that shares its storage with a fused one and stays gets a storage of its own; then the model has a tensor more, and an
/// optimizer that knows its parameters by number is no longer matched. That is told before anything is written.
/// </summary>
public sealed class SplitOptimizerTests : IDisposable
{
    private readonly TrainingState state = new();

    public static TheoryData<bool> Formats => [false, true];

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_way_back_that_numbers_bar_is_told(bool isBefore16)
    {
        Write(isBefore16, Keyed((Int(1), Dict(("exp_avg", state.Matrix())))), Group(Int(0), Int(1)));
        Assert.Equal(["model/transformer.h.0.attn.qkv.weight", "optimizer/state/1/exp_avg"], state.Upgrade());
        Assert.Contains("the way back is refused (its 2 parameters cannot be matched by number and shape to the model's 3 tensors", Told(), StringComparison.Ordinal);
        Assert.Empty(state.Verify().Differences);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void With_names_the_way_back_is_there_though_not_byte_for_byte(bool isBefore16)
    {
        Write(isBefore16, Keyed((Text(Fused), Dict(("exp_avg", state.Matrix())))), Group(Text(Embedding), Text(Fused)));
        Assert.Equal(["model/transformer.h.0.attn.qkv.weight", "optimizer/state/transformer.h.0.attn.qkv.weight/exp_avg"], state.Upgrade());
        Assert.Contains("tensors get storages of their own", Told(), StringComparison.Ordinal);
        Assert.Empty(state.Verify().Differences);
    }

    /// <summary>A model in which <c>mlp.fc</c> is the fused matrix itself, under another name.</summary>
    private void Write(bool isBefore16, string kept, string group)
    {
        var tied = state.Matrix();
        state.Write(
            isBefore16,
            ("model", Dict((Embedding, state.File.Floats(7, Columns)), (Fused, tied), (Other, tied))),
            ("optimizer", Optimizer(kept, group)));
    }

    private string Told() => Assert.Single(state.Advice, advice => advice.Code == "no-exact-way-back").Message;
}
