using QkvMigrate.Checkpoints;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Checkpoints.TorchPickles.TorchPickleTests;

namespace QkvMigrate.Tests.Checkpoints.TorchPickles;

/// <summary>Optimizer state dicts: whose moments are whose.</summary>
public sealed class TorchOptimizersTests
{
    private static readonly string Moment = Tensor(Storage(Text("0"), 12), 0, [3], [1]);

    [Fact]
    public void Parameters_known_by_number_come_in_the_order_of_the_groups()
    {
        var optimizer = Optimizer(
            "}(" + Int(0) + Dict(("step", Int(1)), ("exp_avg", Moment), ("exp_avg_sq", Moment)) + Int(2) + Dict(("exp_avg", Moment)) + "u",
            List(Int(2), Int(1)),
            List(Int(0)));
        Assert.Equal("train/optimizer", optimizer.Path);
        Assert.Equal(["2", "1", "0"], optimizer.Parameters.Select(parameter => parameter.Id));
        Assert.All(optimizer.Parameters, parameter => Assert.True(parameter.IsNumbered), throwIfEmpty: true);
        Assert.Equal(
            ["train/optimizer/state/2/exp_avg", "", "train/optimizer/state/0/exp_avg train/optimizer/state/0/exp_avg_sq"],
            optimizer.Parameters.Select(parameter => string.Join(' ', parameter.State.Select(tensor => tensor.Label))));
    }

    [Fact]
    public void Parameters_known_by_name_tell_where_it_stands()
    {
        // FSDP: the string is written once, as a key, and fetched from the memo in the group.
        var optimizer = Optimizer("}(" + Text("h.0.attn.attn.weight") + "q\u0001" + Dict(("exp_avg", Moment)) + "u", List("h\u0001", Text("wte.weight")));
        Assert.Equal(["h.0.attn.attn.weight", "wte.weight"], optimizer.Parameters.Select(parameter => parameter.Id));
        Assert.All(optimizer.Parameters, parameter => Assert.False(parameter.IsNumbered), throwIfEmpty: true);
        Assert.Equal([2, 1], optimizer.Parameters.Select(parameter => parameter.Names.Count));
        Assert.All(optimizer.Parameters[0].Names, name => Assert.Equal(("h.0.attn.attn.weight", NameRole.ParameterName), (name.Text, name.Role)), throwIfEmpty: true);
        Assert.Equal(2, optimizer.Parameters[0].Names.Select(name => name.Id).Distinct().Count());
    }

    [Fact]
    public void A_state_without_a_group_counts_too()
    {
        var optimizer = Optimizer("}(" + Int(7) + Dict(("exp_avg", Moment)) + "u", List(Int(0)));
        Assert.Equal(["0", "7"], optimizer.Parameters.Select(parameter => parameter.Id));
    }

    [Theory]
    [InlineData("state", "groups")]
    [InlineData("states", "param_groups")]
    public void Other_dicts_are_none(string first, string second) =>
        Assert.Empty(Read(Dict((first, "}"), (second, List(Dict(("params", List(Int(0)))))))).Optimizers);

    [Fact]
    public void A_parameter_that_is_neither_a_number_nor_a_name_is_refused()
    {
        var refused = Assert.Throws<MigrationException>(() => Optimizer("}", List("N")));
        Assert.Equal("a parameter of an optimizer that is neither a number nor a name", refused.Problem);
        Assert.Equal(FailureKind.Malformed, refused.Kind);
    }

    private static OptimizerEntry Optimizer(string state, params string[] groups) => Assert.Single(Read(Dict(("train", Dict(("optimizer", Dict(
        ("state", state),
        ("param_groups", List(groups.Select(parameters => Dict(("lr", Int(1)), ("params", parameters))))))))))).Optimizers);
}
