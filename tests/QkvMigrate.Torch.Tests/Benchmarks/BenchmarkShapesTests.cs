using QkvMigrate.Attention;
using QkvMigrate.Torch.Benchmarks;
using Xunit;

namespace QkvMigrate.Torch.Tests.Benchmarks;

public sealed class BenchmarkShapesTests
{
    [Theory]
    [InlineData("pythia-1b", 1_011_781_632)]
    [InlineData("tiny-llama-1.1b", 1_100_048_384)]
    public void The_built_in_models_have_as_many_parameters_as_the_published_ones(string name, long expected) =>
        Assert.Equal(expected, CountingParameters.Of(BenchmarkShapes.Find(name)));

    [Fact]
    public void Another_name_is_refused()
    {
        var error = Assert.Throws<MigrationException>(() => BenchmarkShapes.Find("x"));
        Assert.Equal((FailureKind.Usage, "--model x: expected pythia-1b or tiny-llama-1.1b"), (error.Kind, error.Message));
    }

    [Theory]
    [InlineData("pythia-1b", 0.25, 8, 8, 64)]
    [InlineData("pythia-1b", 0.001, 8, 8, 8)]
    [InlineData("tiny-llama-1.1b", 0.5, 32, 4, 32)]
    [InlineData("tiny-llama-1.1b", 0.001, 32, 4, 8)]
    public void A_smaller_model_keeps_its_heads_and_groups(string name, double scale, int heads, int groups, int headSize)
    {
        var whole = BenchmarkShapes.Find(name);
        var part = BenchmarkShapes.Scaled(whole, scale);
        Assert.Equal(new AttentionGeometry(heads, groups, headSize), part.Geometry);
        Assert.Equal(0, part.RotarySize % 2);
        Assert.InRange(part.LayerCount, 1, whole.LayerCount);
        Assert.True(part.VocabularySize <= part.PaddedVocabularySize);
        Assert.Equal((whole.Norm, whole.Mlp, whole.ParallelResidual, whole.Bias), (part.Norm, part.Mlp, part.ParallelResidual, part.Bias));
    }

    [Fact]
    public void The_whole_model_is_not_changed() =>
        Assert.All(BenchmarkShapes.All, whole => Assert.Same(whole, BenchmarkShapes.Scaled(whole, 1)), throwIfEmpty: true);
}
