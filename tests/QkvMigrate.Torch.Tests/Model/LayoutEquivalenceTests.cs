using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>For any model, the two layouts say the same, at once, and piece by piece with a cache.</summary>
public sealed class LayoutEquivalenceTests
{
    private static readonly Gen<ModelConfiguration> Configurations =
        from groups in Gen.Int[1, 4]
        from queries in Gen.Int[1, 4]
        from headSize in Gen.OneOf(4, 8, 12)
        from norm in Gen.OneOf(NormKind.LayerNorm, NormKind.RmsNorm)
        from name in Gen.OneOf("plain", "Gemma", "OLMo")
        from mlp in Gen.Enum<MlpKind>()
        from flags in Gen.Bool.Array[8]
        from window in Gen.Int[1, 9].Select(size => new SlidingWindow(size, [true, false])).Null()
        from cap in Gen.OneOf(2.0, 30.0).Nullable()
        from scalar in Gen.OneOf(3.0, 24.0).Nullable()
        from rotary in Gen.OneOf(0.0, 0.5, 1.0)
        from adjustments in Gen.OneOf<RopeAdjustments?>(null, new RopeAdjustments(4, null), new RopeAdjustments(8, new Llama3Band(1, 4, 16)))
        select new ModelConfiguration
        {
            Name = name,
            BlockSize = 16,
            LayerCount = 2,
            EmbeddingSize = 20,
            VocabularySize = 30,
            PaddedVocabularySize = 32,
            Geometry = new AttentionGeometry(groups * queries, groups, headSize),
            Norm = norm,
            Mlp = mlp,
            IntermediateSize = 24,
            Experts = mlp == MlpKind.LlamaMoe ? new ExpertConfiguration(3, 2, 10) : null,
            ParallelResidual = flags[0],
            SharedAttentionNorm = flags[0] && flags[1],
            PostMlpNorm = !flags[0] && flags[1],
            PostAttentionNorm = flags[2],
            HasNorm1 = flags[3],
            Bias = flags[4],
            AttentionBias = flags[5],
            ScaleEmbeddings = flags[6],
            LmHeadBias = flags[7],
            SlidingWindow = window,
            AttentionLogitSoftcapping = cap,
            AttentionScoresScalar = scalar,
            Rope = new RopeConfiguration { Percentage = rotary, Adjustments = adjustments },
        };

    [Fact]
    public void Both_layouts_say_the_same_at_once_and_piece_by_piece() =>
        Gen.Select(Configurations, Gen.Int, Gen.Int[1, 16], Gen.Int[0, 16]).Sample(
            (configuration, seed, length, first) => LiveTensors.AreGoneAfter(() => AssertSame(configuration, seed, length, Math.Clamp(first, 1, length))),
            iter: 100);

    private static void AssertSame(ModelConfiguration configuration, int seed, int length, int first)
    {
        using var quiet = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using var legacy = new Gpt(configuration, LayoutFamilies.Interleaved, new RecordedParameters(seed));
        using var current = new Gpt(configuration, LayoutFamilies.Sequential, new SequentialParameters(new RecordedParameters(seed), configuration.Geometry));
        var tokens = torch.arange(2 * length, torch.ScalarType.Int64).remainder(configuration.VocabularySize).view(2, length);

        var expected = legacy.Forward(tokens);
        Assert.Equal([2, length, configuration.PaddedVocabularySize], expected.shape);

        // Some random models turn a change of a millionth into one of a hundredth, and another order of summation is such a change.
        using var nearby = new Gpt(configuration, LayoutFamilies.Interleaved, new NearbyParameters(new RecordedParameters(seed)));
        var tolerance = (1e-4 * Math.Max(1, expected.abs().max().item<float>())) + Difference(expected, nearby.Forward(tokens));
        Assert.InRange(Difference(expected, current.Forward(tokens)), 0, tolerance);
        Assert.InRange(Difference(expected, PieceByPiece(legacy, tokens, first)), 0, tolerance);
        Assert.InRange(Difference(expected, PieceByPiece(current, tokens, first)), 0, tolerance);
    }

    /// <summary>The first tokens at once, half of the others at once, and the rest one by one.</summary>
    private static torch.Tensor PieceByPiece(Gpt model, torch.Tensor tokens, int first)
    {
        using var cache = model.CreateCache(2, tokens.shape[1]);
        var logits = new List<torch.Tensor>();
        while (cache.Length < tokens.shape[1])
        {
            var count = cache.Length == 0 ? first : cache.Length == first ? Math.Max(1, (tokens.shape[1] - first) / 2) : 1;
            logits.Add(model.Forward(tokens.narrow(1, cache.Length, count), cache));
        }

        return torch.cat(logits, 1);
    }

    private static double Difference(torch.Tensor expected, torch.Tensor actual) => (expected - actual).abs().max().item<float>();

    /// <summary>Other parameters by a millionth at most.</summary>
    private sealed class NearbyParameters(RecordedParameters parameters) : IParameterSource
    {
        public torch.Tensor Take(string name, ReadOnlySpan<long> shape)
        {
            using var exact = parameters.Take(name, shape);
            using var steps = torch.arange(exact.numel(), torch.ScalarType.Float32).sin().mul(1e-6).view(exact.shape);
            return exact + steps;
        }
    }
}
