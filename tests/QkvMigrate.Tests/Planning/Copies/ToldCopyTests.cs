using QkvMigrate.Tests.Planning.Optimizers;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Planning.Copies;

/// <summary>
/// What has the size of fused tensors and is no weight as far as the file says moves where that is proven; where not, it stays and is
/// told of.
/// </summary>
public sealed class ToldCopyTests : IDisposable
{
    private const string Told = "fused-size-left";
    private const string Bias = "transformer.h.0.attn.attn.bias";
    private readonly TrainingState state = new();

    /// <summary>Types of storages that hold no weights, with the bytes of an element.</summary>
    private static readonly (string Type, string Name, int Size)[] Types =
    [
        ("BoolStorage", "bool", 1), ("ByteStorage", "uint8", 1), ("CharStorage", "int8", 1),
        ("LongStorage", "int64", 8), ("ComplexFloatStorage", "complex64", 8),
    ];

    public static TheoryData<bool> Formats => [false, true];

    public static TheoryData<string, string, int, bool> OtherTypes =>
        new(from type in Types from isBefore16 in (bool[])[false, true] select (type.Type, type.Name, type.Size, isBefore16));

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(OtherTypes))]
    public void A_mask_of_each_parameter_moves_with_it(string type, string name, int size, bool isBefore16)
    {
        Assert.NotEmpty(name);
        long[][] shapes = [[7, Columns], [Rows, Columns], [Rows], [Rows, Columns], [Rows]];
        state.Write(isBefore16, ("model", TwoBlocks()), ("masks", List(shapes.Select(shape => state.File.Flags(type, size, shape)))));
        Assert.Equal(["masks/1", "masks/2", "masks/3", "masks/4"], state.Upgrade().Where(label => label.StartsWith("masks", StringComparison.Ordinal)));
        Assert.Empty(ToldOf());
        Assert.Empty(state.Verify().Differences);
        Assert.False(state.VerifyMutant("masks/3").IsVerified);
        state.Upgrade();
        state.AssertWayBack();
    }

    [Theory]
    [MemberData(nameof(OtherTypes))]
    public void As_many_as_fused_tensors_prove_nothing_of_other_numbers_than_weights(string type, string name, int size, bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("batches", List(Enumerable.Range(0, 2).Select(_ => state.File.Flags(type, size, Rows, Columns)))));
        Stays($"'batches/0' ({name} of shape (32, 5)), 'batches/1' ({name} of shape (32, 5)): of the size of fused tensors");
    }

    [Theory]
    [MemberData(nameof(OtherTypes))]
    public void Under_a_word_or_in_another_form_they_stay(string type, string name, int size, bool isBefore16)
    {
        state.Write(
            isBefore16,
            ("model", TwoBlocks()),
            ("mask", state.File.Flags(type, size, Rows, Columns)),
            ("history", state.File.Flags(type, size, 3, Rows, Columns)));
        Stays($"'mask' ({name} of shape (32, 5)), 'history' ({name} of shape (3, 32, 5)): of the size");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_vector_alone_is_told_of(bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("losses", List(state.File.Floats(Rows), state.File.Floats(3))));
        Stays("'losses/0' (float32 of shape (32)): of the size");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Names_that_nothing_explains_are_told_of(bool isBefore16)
    {
        state.Write(
            isBefore16,
            ("model", state.Model()),
            ("other", Dict(("foo.bar", state.Matrix()), ("ema." + Other, state.Matrix()))),
            ("tree", List(Dict(("attn.kernel", state.Matrix())))),
            ("module", Dict(("weight", state.Matrix()))));
        Stays(
            "'other/foo.bar' (float32 of shape (32, 5)), 'tree/0/attn.kernel' (float32 of shape (32, 5)), "
            + "'module/weight' (float32 of shape (32, 5)): of the size");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Names_beside_the_fused_ones_are_told_of_where_they_end_as_no_parameter_does(bool isBefore16)
    {
        state.Write(isBefore16, ("model", Dict(
            (Embedding, state.File.Floats(7, Columns)),
            (Fused, state.Matrix()),
            (Other, state.Matrix()),
            ("transformer.h.0.attn.importance", state.Matrix()))));
        Stays("'model/transformer.h.0.attn.importance' (float32 of shape (32, 5)): of the size");
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Matrices_that_were_written_out_are_refused(int inList, bool isBefore16)
    {
        var matrices = Enumerable.Repeat(Numbers(Rows, Columns, Float), Math.Max(inList, 1));
        state.Write(isBefore16, ("model", state.Model()), ("scores", inList > 0 ? List(matrices) : matrices.Single()));
        Assert.Equal(
            $"a list of {(inList > 0 ? inList : 32)} can by its shape hold fused tensors, and its rows cannot be moved; "
            + "save it as a tensor, torch.tensor(list), or the file without it",
            state.Refusal());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_matrix_that_was_written_out_beside_another_is_found(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("scores", List(Numbers(7, Columns, Float), Numbers(Rows, Columns, Float))));
        Assert.StartsWith("a list of 32 can by its shape hold fused tensors", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Lists_of_other_numbers_are_told_of(bool isBefore16)
    {
        state.Write(
            isBefore16,
            ("model", TwoBlocks()),
            ("mask", Numbers(Rows, Columns, i => Int(i % 2))),
            ("masks", List(Numbers(Rows, Columns, i => Int(i % 2)), Numbers(Rows, Columns, i => Int(i % 3)))),
            ("bias", List(Enumerable.Range(0, Rows).Select(Float))),
            ("shorter", Numbers(Rows - 1, Columns, Float)),
            ("steps", List(Enumerable.Range(0, Rows).Select(i => Int(i)))));
        Stays("'mask' (a list of 32), 'masks' (a list of 2), 'bias' (a list of 32): of the size");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Bytes_and_storages_are_told_of(bool isBefore16)
    {
        var encoded = Call("_codecs", "encode", Text(new string('b', Rows * Columns * 4)), Text("latin1"));
        state.Write(
            isBefore16,
            ("model", state.Model()),
            ("bytes", $"B{Latin1(BitConverter.GetBytes(Rows * Columns * 4))}{new string('b', Rows * Columns * 4)}"),
            ("old", encoded),
            ("array", Call("builtins", "bytearray", encoded)),
            ("bare", List(state.File.BareStorage(Rows * Columns))),
            ("short", Call("_codecs", "encode", Text("four"), Text("latin1"))));
        Stays(
            "'bytes' (bytes or a storage without a shape), 'old' (a value (_codecs.encode)), 'array' (an object (builtins.bytearray)), "
            + "'bare/0' (bytes or a storage without a shape): of the size");
    }

    /// <summary>An <c>array.array</c> of the standard library, which is its type, a code and its bytes.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void Bytes_of_an_object_that_is_not_known_are_told_of(bool isBefore16)
    {
        var content = Call("_codecs", "encode", Text(new string('b', Rows * Columns * 4)), Text("latin1"));
        state.Write(isBefore16, ("model", state.Model()), ("array", Call("array", "_array_reconstructor", "carray\narray\n", Text("f"), Int(14), content)));
        Stays("'array/(arguments)/3' (a value (_codecs.encode)): of the size");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_tensor_that_is_a_key_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("state", Keyed((state.Matrix(), Dict(("step", Int(3)))), (state.File.Floats(3, 4), Int(1)))));
        Assert.StartsWith("a tensor that is a key can by its shape hold fused tensors, and its rows cannot be moved; only a text", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("i8", "32 5", false)]
    [InlineData("b1", "32 5", true)]
    [InlineData("u2", "2 32 5", false)]
    [InlineData("c8", "32", true)]
    public void Arrays_of_other_numbers_are_told_of(string dtype, string shape, bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("saved", List(Array(dtype, shape))));
        Stays($"'saved/0' (a numpy array of shape ({shape.Replace(" ", ", ", StringComparison.Ordinal)})): of the size");
    }

    [Theory]
    [InlineData("f2", false)]
    [InlineData("f8", true)]
    [InlineData("V2", false)]
    public void Arrays_that_may_be_weights_are_refused(string dtype, bool isBefore16)
    {
        state.Write(isBefore16, ("model", TwoBlocks()), ("saved", List(Array(dtype, "32 5"))));
        Assert.StartsWith("a numpy array of shape (32, 5) can by its shape hold fused tensors", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Single_numbers_under_fused_names_get_the_new_names(bool isBefore16)
    {
        state.Write(
            isBefore16,
            ("model", TwoBlocks()),
            ("grad_norm", Dict((Fused, state.File.Floats()), (Bias, state.File.Floats(1)), (Other, state.File.Floats()))));
        Assert.Equal(4, state.Upgrade().Count);
        Assert.Empty(ToldOf());
        Assert.Empty(state.Verify().Differences);
        state.AssertWayBack();
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_single_number_in_the_place_of_a_matrix_is_refused(bool isBefore16)
    {
        state.Write(isBefore16, ("model", Dict((Embedding, state.File.Floats(7, Columns)), (Fused, state.File.Floats()), (Bias, state.File.Floats(Rows)))));
        Assert.StartsWith("shape () has no dimension for the fused rows", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Tensors_in_a_list_under_a_fused_name_move(bool isBefore16)
    {
        state.Write(
            isBefore16,
            ("model", TwoBlocks()),
            ("gradients", Dict(
                (Embedding, List(state.File.Floats(7, Columns))),
                (Fused, List(state.Matrix(), state.Matrix())),
                (Bias, Tuple(state.File.Floats(Rows), Int(3))))));
        Assert.Equal(
            ["gradients/transformer.h.0.attn.qkv.weight/0", "gradients/transformer.h.0.attn.qkv.weight/1", "gradients/transformer.h.0.attn.qkv.bias/0"],
            state.Upgrade().Where(label => label.StartsWith("gradients", StringComparison.Ordinal)));
        Assert.Empty(state.Verify().Differences);
        Assert.False(state.VerifyMutant("gradients/transformer.h.0.attn.qkv.weight/1").IsVerified);
        state.Upgrade();
        state.AssertWayBack();
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Tensors_in_a_list_under_another_parameters_name_stay(bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("gradients", Dict(("module." + Other, List(state.Matrix())))));
        Assert.Equal(["model/transformer.h.0.attn.qkv.weight"], state.Upgrade());
        Assert.Empty(ToldOf());
        Assert.Empty(state.Verify().Differences);
    }

    /// <summary>Only the model's own tensors move, the advice says so, and the file is proven and comes back.</summary>
    private void Stays(string advice)
    {
        Assert.All(state.Upgrade(), label => Assert.StartsWith("model/", label, StringComparison.Ordinal), throwIfEmpty: true);
        Assert.StartsWith(advice, Assert.Single(ToldOf()), StringComparison.Ordinal);
        Assert.Empty(state.Verify().Differences);
        state.AssertWayBack();
    }

    private IEnumerable<string> ToldOf() => state.Advice.Where(advice => advice.Code == Told).Select(advice => advice.Message);

    private string TwoBlocks() => Dict(
        (Embedding, state.File.Floats(7, Columns)),
        (Fused, state.Matrix()),
        (Bias, state.File.Floats(Rows)),
        ("transformer.h.1.attn.attn.weight", state.Matrix()),
        ("transformer.h.1.attn.attn.bias", state.File.Floats(Rows)));

    private static string Numbers(int rows, int columns, Func<int, string> number) =>
        List(Enumerable.Range(0, rows).Select(row => List(Enumerable.Range(0, columns).Select(column => number((row * columns) + column)))));

    private static string Float(int number) => $"F{number}.5\n";

    private static string Latin1(byte[] bytes) => System.Text.Encoding.Latin1.GetString(bytes);

    /// <summary>numpy's array as its <c>__reduce__</c> gives it.</summary>
    private static string Array(string dtype, string shape) =>
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\u0001btR"
        + Tuple(Int(1), Ints(shape.Split(' ').Select(long.Parse)), Call("numpy", "dtype", Text(dtype), "I00\n", "I01\n"), "I00\n", "C\u0000") + "b";
}
