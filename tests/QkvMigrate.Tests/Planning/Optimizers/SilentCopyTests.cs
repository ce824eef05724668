using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Planning.Optimizers;

/// <summary>What may be fused rows, and what stands in a file without its model, is moved, refused or told of: never passed over.</summary>
public sealed class SilentCopyTests : IDisposable
{
    private readonly TrainingState state = new();

    public static TheoryData<bool> Formats => [false, true];

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_matrix_of_the_fused_shape_under_a_word_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("best_attn", state.Matrix()));
        Assert.StartsWith("it has the shape (32, 5) of fused tensors and no name", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_stack_of_fused_matrices_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("history", state.File.Floats(3, Rows, Columns)));
        Assert.StartsWith("it is a stack of 3 tensors of the shape (32, 5) of fused ones", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Names_that_are_bytes_or_tuples_are_refused(bool isTuple, bool isBefore16)
    {
        var name = isTuple
            ? Tuple(Text("transformer"), Text("h"), Int(0), Text("attn"), Text("attn"), Text("weight"))
            : $"C{(char)Fused.Length}{Fused}";
        state.Write(isBefore16, ("weights", Keyed((name, state.Matrix()))));
        Assert.Equal(
            $"a tensor under a key that is {(isTuple ? "a tuple" : "bytes")} stands where a plain tensor was expected; "
            + "only a text can get the new name: save the state dict with texts as keys",
            state.Refusal());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void An_optimizer_whose_named_model_is_in_another_file_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("state", Keyed((Text(Fused), Dict(("exp_avg", state.Matrix()))))), ("param_groups", List(Group(Text(Fused)))));
        Assert.StartsWith($"its parameter '{Fused}' is a fused tensor of a model in another file; save both in one file", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void An_optimizer_beside_the_file_of_its_model_is_refused(bool isBefore16)
    {
        using var model = new TrainingState();
        model.Write(isBefore16, ("model", model.Model()));
        File.Copy(model.Original, Path.Combine(Path.GetDirectoryName(state.Original)!, "other.pth"));
        state.Write(isBefore16, ("state", Keyed((Int(1), Dict(("exp_avg", state.Matrix()))))), ("param_groups", List(Group(Int(0), Int(1), Int(2)))));
        Assert.StartsWith("its model is in another file, and other.pth beside it has fused tensors to be moved; save both in one file", state.Refusal(), StringComparison.Ordinal);
    }
}
