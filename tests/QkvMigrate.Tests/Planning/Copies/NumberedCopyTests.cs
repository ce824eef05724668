using System.Runtime.InteropServices;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Verification;
using Xunit;

namespace QkvMigrate.Tests.Planning.Copies;

/// <summary>Copies without names are moved where order and shapes prove which parameter each is, and refused where they do not.</summary>
public sealed class NumberedCopyTests
{
    /// <summary>Writers of the formats.</summary>
    public static TheoryData<string> Formats => ["zip", "before 1.6", "safetensors"];

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_copy_moves_as_its_parameter_does(string format) => Moves(CopiedModel.With(Enumerable.Range(0, CopiedModel.Parameters.Count)), format);

    /// <summary>Codes or counts among the copies of all parameters.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void Ints_in_the_place_of_a_copy_move_too(string format) =>
        Moves(CopiedModel.With(Enumerable.Range(0, CopiedModel.Parameters.Count)) with { OfInts = CopiedModel.Parameters.Count + 1 }, format);

    private static void Moves(StateDict model, string format)
    {
        var original = Write(model, format);
        using var pair = new VerifiedPair(original, CopiedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        using var upgraded = Checkpoint.Open(pair.UpgradedPath);
        for (var i = 0; i < CopiedModel.Parameters.Count; i++)
        {
            var parameter = Numbers(upgraded, name => name == CopiedModel.Parameters[i].Name.Replace(".attn.attn.", ".attn.qkv.", StringComparison.Ordinal));
            var copy = Numbers(upgraded, name => name == $"{CopiedModel.Copies}.{i}");
            Assert.Equal(parameter.Select(number => number - parameter.Min()), copy.Select(number => number - copy.Min()));
        }

        var back = Path.Combine(Path.GetDirectoryName(pair.UpgradedPath)!, "back");
        VerifiedPair.Migrate(pair.UpgradedPath, back, CopiedModel.Geometry, MigrationDirection.Downgrade);
        Assert.Equal(original, File.ReadAllBytes(back));
    }

    /// <summary>Every parameter of a fused tensor's shape is fused, so that no order is needed, and some may be missing.</summary>
    [Theory]
    [InlineData(5, 4, 3, 2, 1, 0)]
    [InlineData(3, 4, 5)]
    [InlineData(1, 3)]
    public void Shapes_alone_prove_a_copy(params int[] copies)
    {
        using var pair = new VerifiedPair(CopiedModel.With(copies).ToFile(), CopiedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        using var upgraded = Checkpoint.Open(pair.UpgradedPath);
        foreach (var (parameter, number) in copies.Select((parameter, number) => (parameter, number)))
        {
            var values = Numbers(upgraded, name => name == $"{CopiedModel.Copies}.{number}");
            Assert.Equal(CopiedModel.Fused.Contains(parameter), !values.Order().SequenceEqual(values));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1, 0)]
    [InlineData(1, 3, 1)]
    [InlineData(2, 4, 2)]
    public void What_is_not_proven_is_refused(params int[] copies)
    {
        var error = Refusal(CopiedModel.With(copies).ToFile(), CopiedModel.Geometry);
        Assert.Equal(FailureKind.Unsupported, error.Kind);
        Assert.Contains(CopiedModel.Copies, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Another parameter has the shape of a fused one: the order decides where it is the model's, and nothing does otherwise.</summary>
    [Fact]
    public void An_order_that_is_not_the_models_proves_nothing_where_shapes_do_not()
    {
        List<(string, int[])> model = [.. CopiedModel.Parameters, ("transformer.h.1.mlp.fc.weight", [32, 5])];
        (string, int[])[] Copies(IEnumerable<int> order) => [.. order.Select((parameter, number) => ($"{CopiedModel.Copies}.{number}", model[parameter].Item2))];
        using var pair = new VerifiedPair(CopiedModel.Of([.. model, .. Copies(Enumerable.Range(0, 7))]).ToFile(), CopiedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        Assert.Equal(FailureKind.Unsupported, Refusal(CopiedModel.Of([.. model, .. Copies([6, 5, 4, 3, 2, 1, 0])]).ToFile(), CopiedModel.Geometry).Kind);
    }

    [Fact]
    public void A_flat_buffer_of_all_parameters_is_refused()
    {
        var elements = CopiedModel.Parameters.Sum(parameter => parameter.Shape.Aggregate(1, (product, size) => product * size));
        Assert.Contains("flat buffer", Refusal(CopiedModel.With([], ("vector", [elements])).ToFile(), CopiedModel.Geometry).Message, StringComparison.Ordinal);
        Assert.Contains("flat buffer", Refusal(CopiedModel.With([], ("fp32_groups_flat", [elements + 8])).ToFile(), CopiedModel.Geometry).Message, StringComparison.Ordinal);
    }

    /// <summary>A key such as <c>param_3</c> says as little as a number; beside the model itself its order proves nothing.</summary>
    [Theory]
    [InlineData("param_3")]
    [InlineData("slow7")]
    public void A_key_that_ends_in_a_number_is_no_name(string key) =>
        Assert.Contains(key, Refusal(CopiedModel.With([], (key, [32, 5])).ToFile(), CopiedModel.Geometry).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("transformer.h.1.attn.attn.weight", true)]
    [InlineData("shadow.transformerh1attnattnweight", true)]
    [InlineData("transformer_h_1_attn_attn_bias", true)]
    [InlineData("transformer/h/1/_orig_mod/attn/attn/weight", true)]
    [InlineData("module-transformer-h-11-attn-attn-lora_A", true)]
    [InlineData("_orig_mod.transformerh1attnattnlinearweight", true)]
    [InlineData("transformer_h_1_attn_qkv_weight", false)]
    [InlineData("transformer_h_1_attn_proj_weight", false)]
    [InlineData("transformer_h_attn_attn_weight", false)]
    [InlineData("encoder_1_attn_attn_weight", false)]
    [InlineData("transformer_h_1_attn_attn_weight_norm", false)]
    [InlineData("attnattnweight", false)]
    public void Names_are_known_in_another_spelling(string key, bool isFused) => Assert.Equal(isFused, SpelledName.IsFused(key, LayoutFamilies.Interleaved));

    [Theory]
    [InlineData("shadow.transformerh0attnattnweight")]
    [InlineData("transformer_h_1_attn_attn_weight")]
    [InlineData("transformer/h/1/attn/attn/weight")]
    public void A_copy_whose_name_has_no_dots_is_refused_and_is_a_difference(string key)
    {
        var error = Refusal(CopiedModel.With([], (key, [32, 5])).ToFile(), CopiedModel.Geometry);
        Assert.Equal(FailureKind.Unsupported, error.Kind);
        Assert.Contains($"'{key}'", error.Message, StringComparison.Ordinal);
        using var pair = new VerifiedPair(CopiedModel.With([], ("other", [32, 5])).ToFile(), CopiedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        var left = CopiedModel.Of([.. CopiedModel.Parameters.Select(parameter => (parameter.Name.Replace(".attn.attn.", ".attn.qkv.", StringComparison.Ordinal), parameter.Shape)), (key, [32, 5])]);
        Assert.Contains(pair.Verify(left.ToFile()).Differences, difference => difference.ToString().Contains(key, StringComparison.Ordinal) && difference.ToString().Contains("apart from its dots", StringComparison.Ordinal));
    }

    /// <summary>Nothing moves, so that nothing can be left.</summary>
    [Fact]
    public void With_one_query_group_nothing_is_refused()
    {
        using var pair = new VerifiedPair(CopiedModel.With([1, 3, 1], ("fp32_groups_flat", [900])).ToFile(), CopiedModel.OneGroup);
        Assert.Empty(pair.Verify().Differences);
    }

    [Fact]
    public void Numbers_of_other_shapes_stay()
    {
        (string, int[])[] others = [("logits.0", [1, 32]), ("logits.1", [32, 7]), ("cache.0", [2, 32]), ("losses.0", [31]), ("losses.1", [32]), ("attn_scale", [32, 5])];
        using var pair = new VerifiedPair(CopiedModel.With([], others).ToFile(), CopiedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        using var upgraded = Checkpoint.Open(pair.UpgradedPath);
        foreach (var (name, _) in others)
        {
            var values = Numbers(upgraded, key => key == name);
            Assert.Equal(values.Order(), values);
        }
    }

    private static byte[] Write(StateDict model, string format) => format switch
    {
        "zip" => model.ToFile(),
        "before 1.6" => model.ToFileBefore16(),
        _ => model.ToSafetensors(),
    };

    private static float[] Numbers(Checkpoint checkpoint, Func<string, bool> isIt)
    {
        var tensor = checkpoint.Tensors.Single(tensor => isIt(tensor.Name!.Text));
        return MemoryMarshal.Cast<byte, float>(checkpoint.Source.Read(tensor.FileOffset, (int)tensor.Extent)).ToArray();
    }

    private static MigrationException Refusal(byte[] file, AttentionGeometry geometry)
    {
        var folder = Directory.CreateTempSubdirectory("qkvmigrate-copies-");
        try
        {
            var path = Path.Combine(folder.FullName, "lit_model.pth");
            File.WriteAllBytes(path, file);
            return VerifiedPair.Refusal(path, geometry);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
