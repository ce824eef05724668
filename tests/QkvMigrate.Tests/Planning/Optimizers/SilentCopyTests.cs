using QkvMigrate.Checkpoints;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Planning.Optimizers;

/// <summary>What may be fused rows, and what stands in a file without its model, is moved, refused or told of: never passed over.</summary>
public sealed class SilentCopyTests : IDisposable
{
    private readonly TrainingState state = new();

    public static TheoryData<bool> Formats => [false, true];

    public static TheoryData<string, long[], bool> Forms => new(
        from form in ((string Form, long[] Shape)[])
        [
            ("a stack of tensors", [3, 32, 5]), ("a stack of tensors", [32, 2, 5]), ("a stack of tensors", [32, 5, 2]),
            ("several tensors beside one another", [64, 5]), ("several tensors beside one another", [32, 10]), ("several tensors beside one another", [64]),
            ("all elements of tensors", [160]), ("all elements of tensors", [320]), ("the transpose of a tensor", [5, 32]),
            ("the heads of a tensor", [8, 4, 5]), ("the heads of a tensor", [2, 4, 4, 5]),
        ]
        from isBefore16 in (bool[])[false, true]
        select (form.Form, form.Shape, isBefore16));

    public static TheoryData<string> OtherShapes => ["96 5", "32 15", "7 5", "2 32", "3 32", "32 7", "96", "480", "33", "4 8", "3 10 5", "5 8 4"];

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_matrix_of_the_fused_shape_under_a_word_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("best_attn", state.Matrix()));
        Assert.StartsWith("it has the shape (32, 5) of fused tensors and no name", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void What_can_be_made_of_fused_tensors_is_refused(string form, long[] shape, bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("history", state.File.Floats(shape)));
        Assert.StartsWith($"by its shape ({string.Join(", ", shape)}) it can be {form} of the shape ({(shape is [64] ? "32" : "32, 5")}) of fused ones", state.Refusal(), StringComparison.Ordinal);
        Assert.True(IsKnownToVerifier());
    }

    [Theory]
    [MemberData(nameof(OtherShapes))]
    public void What_cannot_be_made_of_them_stays(string sizes)
    {
        long[] shape = [.. sizes.Split(' ').Select(long.Parse)];
        state.Write(isBefore16: false, ("model", TwoBlocks()), ("history", state.File.Floats(shape)), ("list", List(state.File.Floats(shape))));
        Assert.Equal(4, state.Upgrade().Count);
        Assert.True(state.Verify().IsVerified);
        Assert.False(IsKnownToVerifier());
    }

    [Theory]
    [InlineData("32 5", false)]
    [InlineData("32 5", true)]
    [InlineData("2 32 5", false)]
    [InlineData("32", true)]
    public void Arrays_that_can_hold_fused_rows_are_refused_in_a_list(string shape, bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("saved", List(Array(shape))));
        Assert.StartsWith(
            $"a numpy array of shape ({shape.Replace(" ", ", ", StringComparison.Ordinal)}) can by its shape hold fused tensors, and its rows cannot be moved; save it as a tensor",
            state.Refusal(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Sparse_tensors_that_can_hold_fused_rows_are_refused_in_a_list()
    {
        var data = Tuple(state.File.Floats(2, 1), state.File.Floats(1), Call("torch", "Size", Ints(Rows, Columns)));
        state.Write(isBefore16: false, ("model", TwoBlocks()), ("saved", List(Call("torch._utils", "_rebuild_sparse_tensor", "N", data))));
        Assert.StartsWith("a sparse tensor of shape (32, 5) can by its shape hold fused tensors", state.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Arrays_of_other_shapes_stay()
    {
        state.Write(isBefore16: false, ("model", TwoBlocks()), ("saved", List(Array("3 4"), Array("624"))));
        Assert.Equal(4, state.Upgrade().Count);
        Assert.True(state.Verify().IsVerified);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_ends_of_fused_names_in_a_list_move_where_all_are_there(bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("blocks", List(Dict(("attn.weight", state.Matrix())), Dict(("attn.weight", state.Matrix())))));
        Assert.Equal(["blocks/0/attn.weight", "blocks/1/attn.weight"], state.Upgrade().Where(label => label.StartsWith("blocks", StringComparison.Ordinal)));
        Assert.True(state.Verify().IsVerified);
        Assert.False(state.VerifyMutant("blocks/1/attn.weight").IsVerified);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_end_of_a_fused_name_alone_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("block", Dict(("attn.weight", state.Matrix()))));
        Assert.StartsWith("it has the shape (32, 5) of fused tensors and no name", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_vector_of_the_fused_shape_under_a_word_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("best_bias", state.File.Floats(Rows)));
        Assert.StartsWith("it has the shape (32) of fused tensors and no name", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_matrix_under_a_number_beside_the_parameters_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", Keyed((Text(Embedding), state.File.Floats(7, Columns)), (Text(Fused), state.Matrix()), (Int(3), state.Matrix()))));
        Assert.StartsWith("it has the shape (32, 5) of fused tensors and no name", state.Refusal(), StringComparison.Ordinal);
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

    /// <summary>A model with two fused matrices and their biases.</summary>
    private string TwoBlocks() => Dict(
        (Embedding, state.File.Floats(7, Columns)),
        (Fused, state.Matrix()),
        ("transformer.h.0.attn.attn.bias", state.File.Floats(Rows)),
        ("transformer.h.1.attn.attn.weight", state.Matrix()),
        ("transformer.h.1.attn.attn.bias", state.File.Floats(Rows)));

    /// <summary>numpy's array as its <c>__reduce__</c> gives it, with a state of its shape.</summary>
    private static string Array(string shape) =>
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\u0001btR"
        + Tuple(Int(1), Ints(shape.Split(' ').Select(long.Parse)), "cnumpy\ndtype\n(X\u0002\0\0\0f4I0\nI1\ntR", "I00\n", "C\u0000") + "b";

    private bool IsKnownToVerifier()
    {
        using var file = Checkpoint.Open(state.Original);
        var reshaped = new ReshapedFused(file.Tensors.Where(tensor => tensor.Label.Contains("attn", StringComparison.Ordinal)), file.Tensors.Where(tensor => tensor.Label.EndsWith(Embedding, StringComparison.Ordinal)));
        return reshaped.IsOne(file.Tensors.Single(tensor => tensor.Label == "history").Shape);
    }
}
