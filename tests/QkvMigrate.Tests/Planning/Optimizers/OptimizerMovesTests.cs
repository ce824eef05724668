using QkvMigrate.Planning.Optimizers;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Planning.Optimizers;

/// <summary>What an optimizer keeps for a parameter moves with it, by what proves which parameter it is; planner and verifier each for itself.</summary>
public sealed class OptimizerMovesTests : IDisposable
{
    private const string New = "transformer.h.0.attn.qkv.weight";

    private static readonly string[] ThreeNumbers = [Int(0), Int(1), Int(2)];

    private readonly TrainingState state = new();

    public static TheoryData<bool> Formats => [false, true];

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(Formats))]
    public void Numbers_of_one_group_are_the_models_order(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("optimizer", Optimizer(Adam(), Group(ThreeNumbers))));
        AssertUpgrade($"model/{New}", "optimizer/state/1/exp_avg", "optimizer/state/1/exp_avg_sq");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Names_beside_the_numbers_go_before_the_models_order(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("optimizer", Optimizer(Adam(), NamedGroup(ThreeNumbers, Embedding, Other, Fused))));
        AssertUpgrade($"model/{New}", "optimizer/state/2/exp_avg", "optimizer/state/2/exp_avg_sq");
    }

    [Theory]
    [InlineData("", "model.")]
    [InlineData("model.", "")]
    [InlineData("_forward_module.", "")]
    [InlineData("model.", "module.")]
    public void Names_of_several_groups_can_have_another_beginning_than_the_keys(string keys, string names)
    {
        var kept = Keyed((Int(0), Moments(Rows, Columns)), (Int(2), Moments(Rows, Columns)));
        var optimizer = Optimizer(kept, NamedGroup([Int(0)], names + Fused), NamedGroup([Int(1), Int(2)], names + Embedding, names + Other));
        state.Write(false, ("optimizer", optimizer), ("model", state.Model(keys)));
        AssertUpgrade("optimizer/state/0/exp_avg", "optimizer/state/0/exp_avg_sq", $"model/{keys}{New}");
    }

    [Fact]
    public void The_names_of_numbered_parameters_are_renamed()
    {
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Adam(), NamedGroup(ThreeNumbers, Embedding, Fused, Other))));
        state.Upgrade();
        using var upgraded = QkvMigrate.Checkpoints.Checkpoint.Open(state.Upgraded);
        Assert.Equal([Embedding, New, Other], Assert.Single(upgraded.Optimizers).Parameters.Select(parameter => parameter.Given?.Text));
        state.AssertWayBack();
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Groups_in_which_a_fused_parameter_can_be_another_are_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("optimizer", Optimizer(Adam(), Group(Int(0), Int(1)), Group(Int(2)))));
        Assert.Equal(
            "its groups can be in another order than the model: parameter 1, which is fused in the model's, and 2 have one shape, and nothing says which is which; "
            + "--optimizer-order model says that the numbers follow the model, --drop-optimizer leaves it out",
            state.Refusal());
    }

    [Fact]
    public void The_user_can_say_that_groups_follow_the_model()
    {
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Adam(), Group(Int(0), Int(1)), Group(Int(2)))));
        Assert.Equal([$"model/{New}", "optimizer/state/1/exp_avg", "optimizer/state/1/exp_avg_sq"], state.Upgrade(OptimizerOrder.Model));
        Assert.True(state.Verify(isOptimizerInModelOrder: true).IsVerified);
        Assert.False(state.Verify().IsVerified);
        state.AssertWayBack(OptimizerOrder.Model);
    }

    [Fact]
    public void Two_models_that_fit_alike_with_other_fused_parameters_are_refused()
    {
        var second = Dict((Embedding, state.File.Floats(7, Columns)), (Other, state.Matrix()), (Fused, state.Matrix()));
        state.Write(false, ("model", state.Model()), ("teacher", second), ("optimizer", Optimizer(Adam(), Group(ThreeNumbers))));
        Assert.StartsWith("its 3 parameters fit 2 models of the file alike", state.Refusal(OptimizerOrder.Model), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_and_its_average_are_no_choice()
    {
        state.Write(false, ("model", state.Model()), ("average", state.Model()), ("optimizer", Optimizer(Adam(), Group(ThreeNumbers))));
        AssertUpgrade($"model/{New}", $"average/{New}", "optimizer/state/1/exp_avg", "optimizer/state/1/exp_avg_sq");
    }

    [Fact]
    public void An_optimizer_of_a_model_without_attention_stays()
    {
        var critic = Dict(("value.weight", state.File.Floats(3, 3)), ("value.bias", state.File.Floats(3)));
        var optimizer = Optimizer(Keyed((Int(0), Moments(3, 3)), (Int(1), Moments(3))), Group(Int(0), Int(1)));
        state.Write(false, ("model", state.Model()), ("critic", critic), ("critic_optimizer", optimizer));
        AssertUpgrade($"model/{New}");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Moments_in_lists_tuples_dicts_and_objects_move(bool isBefore16)
    {
        string[] kept =
        [
            List(state.Matrix(), Int(2)), Tuple(state.Matrix(), state.File.Floats(1)), Dict(("inner", List(Dict(("m", state.Matrix()))))),
            $"cargparse\nNamespace\n)R{Dict(("moment", state.Matrix()))}b",
        ];
        var optimizer = Optimizer(Keyed((Text(Fused), Dict(kept.Select((value, i) => ($"k{i}", value)))), (Text(Other), List(state.Matrix()))), Group(Text(Other), Text(Fused)));
        state.Write(isBefore16, ("model", state.Model()), ("optimizer", optimizer));
        var place = $"optimizer/state/{Fused}";
        var moved = AssertUpgrade(
            $"model/{New}", $"{place}/k0/0", $"{place}/k1/0", $"{place}/k2/inner/0/m", $"{place}/k3/(state)/moment");
        Assert.Equal(5, moved);
    }

    [Fact]
    public void A_state_that_is_the_moment_itself_moves()
    {
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Keyed((Int(1), state.Matrix()), (Int(2), state.Matrix())), Group(ThreeNumbers))));
        AssertUpgrade($"model/{New}", "optimizer/state/1");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Row_factors_move_and_column_factors_stay(bool isBefore16)
    {
        var factors = Dict(
            ("step", Int(3)), ("exp_avg_sq_row", state.File.Floats(Rows)), ("exp_avg_sq_col", state.File.Floats(Columns)),
            ("kept_row", state.File.Floats(Rows, 1)), ("kept_col", state.File.Floats(1, Columns)), ("right", state.File.Floats(Columns, Columns)));
        state.Write(isBefore16, ("model", state.Model()), ("optimizer", Optimizer(Keyed((Int(1), factors)), Group(ThreeNumbers))));
        AssertUpgrade($"model/{New}", "optimizer/state/1/exp_avg_sq_row", "optimizer/state/1/kept_row");
    }

    [Theory]
    [InlineData("GG", Rows, Rows)]
    [InlineData("Q", Rows, Rows)]
    [InlineData("precond_0", Rows, Rows)]
    [InlineData("history", 3, Rows, Columns)]
    [InlineData("absmax1", 1, 3)]
    public void What_moving_rows_does_not_carry_over_is_refused(string key, params int[] shape)
    {
        var kept = Dict(("exp_avg", state.Matrix()), (key, List(state.File.Floats([.. shape.Select(size => (long)size)]), state.File.Floats(Columns, Columns))));
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Keyed((Text(Fused), kept)), Group(Text(Fused)))));
        var refusal = state.Refusal();
        Assert.EndsWith("--drop-optimizer leaves it out", refusal, StringComparison.Ordinal);
        Assert.Equal(shape is [Rows, Rows], refusal.Contains("a matrix of its rows by its rows as Shampoo and SOAP keep", StringComparison.Ordinal));
    }

    [Fact]
    public void Moments_that_are_coded_in_blocks_are_refused()
    {
        var kept = Dict(("state1", state.File.Bytes(Rows, Columns)), ("absmax1", state.File.Floats(Columns)));
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Keyed((Text(Fused), kept)), Group(Text(Fused)))));
        Assert.Equal(
            $"of the fused parameter {Fused} it keeps 'optimizer/state/{Fused}/state1' of uint8, coded in blocks that are no rows; --drop-optimizer leaves it out",
            state.Refusal());
    }

    [Theory]
    [InlineData("transformer.h.0.attn.attn", "ends in attn.attn, where LitGPT has a module and no parameter")]
    [InlineData(New, "has a name of attn.qkv, and the model's are of attn.attn")]
    [InlineData("transformer_h_0_attn_attn_weight", "has the name of a fused tensor in another spelling")]
    [InlineData("attn.weight", "has the name of a fused tensor without its block")]
    public void Names_that_say_too_little_are_refused(string name, string problem)
    {
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Keyed((Text(name), Moments(Rows, Columns))), Group(Text(name)))));
        Assert.Equal($"its parameter '{name}' {problem}; --drop-optimizer leaves it out", state.Refusal());
    }

    [Theory]
    [InlineData("transformer.h.9.attn.attn.weight")]
    [InlineData("0")]
    public void Names_that_no_tensor_has_are_refused(string name)
    {
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Keyed((Text(name), Moments(Rows, Columns))), Group(Text(name)))));
        Assert.Equal("its 1 parameters cannot be matched by name and shape to the model's 3 tensors in 'model'; --drop-optimizer leaves it out", state.Refusal());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Param_names_that_do_not_name_each_parameter_are_refused(bool isShort)
    {
        var group = isShort ? NamedGroup(ThreeNumbers, Embedding, Fused) : Dict(("params", List(ThreeNumbers)), ("param_names", List(Text(Embedding), Int(1), Int(2))));
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Adam(), group)));
        Assert.StartsWith("group 0 has 3 parameters, and its param_names are", state.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_for_some_of_the_parameters_are_refused()
    {
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Adam(), NamedGroup([Int(0), Int(1)], Embedding, Fused), Group(Int(2)))));
        Assert.StartsWith("some of its parameters have names and some have none", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Fused, New)]
    [InlineData(New, Fused)]
    public void A_new_name_that_another_parameter_has_is_refused(string first, string second)
    {
        var group = Dict(("params", List(Int(0), Int(1))), ("param_names", List(Text(first), Text(second))));
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer("}", group)));
        Assert.Equal($"the new name '{New}' of parameter '{Fused}' is already there; --drop-optimizer leaves the optimizer out", state.Refusal());
    }

    [Theory]
    [InlineData("optimizer/state/1/exp_avg")]
    [InlineData("optimizer/state/1/exp_avg_sq")]
    [InlineData("optimizer/state/2/exp_avg")]
    [InlineData("optimizer/state/2/exp_avg_sq")]
    [InlineData("optimizer/state/2/exp_avg", true)]
    [InlineData("optimizer/state/1/exp_avg", true)]
    public void A_moment_in_the_wrong_order_is_found(string label, bool areNamed = false)
    {
        var group = areNamed ? NamedGroup(ThreeNumbers, Embedding, Other, Fused) : Group(ThreeNumbers);
        state.Write(false, ("model", state.Model()), ("optimizer", Optimizer(Adam(), group)));
        state.Upgrade();
        Assert.True(state.Verify().IsVerified);
        Assert.False(state.VerifyMutant(label).IsVerified);
    }

    private int AssertUpgrade(params string[] moved)
    {
        var found = state.Upgrade();
        Assert.Equal(moved.Order(), found.Select(label => label.Replace(New, label.StartsWith("optimizer", StringComparison.Ordinal) ? Fused : New, StringComparison.Ordinal)).Order());
        var report = state.Verify();
        Assert.Empty(report.Differences);
        Assert.True(report.IsVerified);
        state.AssertWayBack();
        return found.Count;
    }

    private string Moments(params long[] shape) => Dict(("step", Int(1)), ("exp_avg", state.File.Floats(shape)), ("exp_avg_sq", state.File.Floats(shape)));

    /// <summary>Adam's state of three parameters, of which the second and the third have the fused shape; the first has none.</summary>
    private string Adam() => Keyed(Enumerable.Range(0, 3).Select(i => (Int(i), i == 0 ? "}" : Moments(Rows, Columns))));
}
