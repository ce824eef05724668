using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>The attention against its definition, above all where no golden model has a word: norms of q and k, stretched rotations.</summary>
public sealed class CausalSelfAttentionTests
{
    private const int EmbeddingSize = 12;

    private static readonly Gen<ModelConfiguration> Configurations =
        from groups in Gen.Int[1, 3]
        from queries in Gen.Int[1, 3]
        from headSize in Gen.OneOf(4, 8)
        from norm in Gen.OneOf(NormKind.LayerNorm, NormKind.RmsNorm)
        from name in Gen.OneOf("plain", "Gemma")
        from queryKeyNorm in Gen.Enum<QueryKeyNorm>()
        from window in Gen.Int[1, 9].Select(size => new SlidingWindow(size, [true])).Null()
        from cap in Gen.OneOf(2.0, 30.0).Nullable()
        from scalar in Gen.OneOf(3.0, 24.0).Nullable()
        from rotary in Gen.OneOf(0.0, 0.5, 1.0)
        from bias in Gen.Bool
        from ratio in Gen.OneOf(1.0, 4.0)
        from adjustments in Gen.OneOf<RopeAdjustments?>(null, new RopeAdjustments(4, null), new RopeAdjustments(8, new Llama3Band(1, 4, 32)))
        select new ModelConfiguration
        {
            Name = name,
            EmbeddingSize = EmbeddingSize,
            Geometry = new AttentionGeometry(groups * queries, groups, headSize),
            Norm = norm,
            QueryKeyNorm = queryKeyNorm,
            Bias = bias,
            SlidingWindow = window,
            AttentionLogitSoftcapping = cap,
            AttentionScoresScalar = scalar,
            Rope = new RopeConfiguration { Base = 100, Percentage = rotary, CondenseRatio = ratio, Adjustments = adjustments },
        };

    [Fact]
    public void It_computes_what_its_definition_says() =>
        Gen.Select(Configurations, Gen.Int, Gen.Int[1, 12]).Sample((configuration, seed, length) => AssertDefinition(configuration, seed, length), iter: 200);

    private static void AssertDefinition(ModelConfiguration configuration, int seed, int length)
    {
        using var quiet = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var recorded = new RecordedParameters(seed);
        using var parameters = new ParameterSet(recorded);
        var attention = new CausalSelfAttention(configuration, LayoutFamilies.Sequential, new ParameterScope(parameters, "attn"), layer: 0);
        using var rotary = new RotaryEmbedding(configuration, torch.CPU);
        using var mask = new CausalMask(0, length, torch.CPU);
        var x = new RecordedParameters(~seed).Take("x", [1, length, EmbeddingSize]);

        var expected = new ReferenceAttention(configuration, recorded.Values, "attn", configuration.SlidingWindow?.Size)
            .Forward([.. x.data<float>().Select(value => (double)value).Chunk(EmbeddingSize)]);
        var actual = attention.Forward(x, rotary.At(0, length), mask, cache: null, start: 0).data<float>().ToArray();
        Assert.Equal(length * EmbeddingSize, actual.Length);
        Assert.Equal(expected.SelectMany(row => row), actual.Select(value => (double)value), (one, other) => Math.Abs(one - other) <= 1e-4);
    }
}
