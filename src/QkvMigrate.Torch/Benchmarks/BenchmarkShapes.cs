using QkvMigrate.Attention;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>The models that can be measured without a checkpoint, with LitGPT's own shapes (litgpt/config.py, <c>configs</c>).</summary>
public static class BenchmarkShapes
{
    /// <summary>One with multi-head attention and one with grouped queries.</summary>
    public static IReadOnlyList<ModelConfiguration> All { get; } =
    [
        new()
        {
            Name = "pythia-1b",
            BlockSize = 2048,
            LayerCount = 16,
            EmbeddingSize = 2048,
            VocabularySize = 50254,
            PaddedVocabularySize = 50304,
            Geometry = new AttentionGeometry(8, 8, 256),
            IntermediateSize = 8192,
        },
        new()
        {
            Name = "tiny-llama-1.1b",
            BlockSize = 2048,
            LayerCount = 22,
            EmbeddingSize = 2048,
            VocabularySize = 32000,
            PaddedVocabularySize = 32000,
            Geometry = new AttentionGeometry(32, 4, 64),
            IntermediateSize = 5632,
            Norm = NormKind.RmsNorm,
            Mlp = MlpKind.LlamaMlp,
            ParallelResidual = false,
            Bias = false,
            Rope = new RopeConfiguration { Percentage = 1 },
        },
    ];

    /// <summary>The model of a name.</summary>
    /// <exception cref="MigrationException">There is none.</exception>
    public static ModelConfiguration Find(string name) =>
        All.FirstOrDefault(model => model.Name == name)
        ?? throw new MigrationException(FailureKind.Usage, $"--model {name}: expected {string.Join(" or ", All.Select(model => model.Name))}");

    /// <summary>
    /// The same kind of model, smaller: layers, head size, MLP and vocabulary are multiplied by <paramref name="scale"/>. The
    /// numbers of heads and query groups stay, so that the layouts differ as much as they do in the whole model.
    /// </summary>
    /// <param name="configuration">The whole model.</param>
    /// <param name="scale">More than 0, up to 1.</param>
    public static ModelConfiguration Scaled(ModelConfiguration configuration, double scale)
    {
        if (scale == 1)
        {
            return configuration;
        }

        // A head of a multiple of 8 keeps a quarter of it, which Pythia rotates, even.
        var headSize = Part(configuration.Geometry.HeadSize, 8);
        return configuration with
        {
            LayerCount = Part(configuration.LayerCount, 1),
            EmbeddingSize = Part(configuration.EmbeddingSize, 8),
            VocabularySize = Part(configuration.PaddedVocabularySize, 64),
            PaddedVocabularySize = Part(configuration.PaddedVocabularySize, 64),
            Geometry = configuration.Geometry with { HeadSize = headSize },
            IntermediateSize = Part(configuration.IntermediateSize, 8),
            Experts = configuration.Experts is { } experts ? experts with { IntermediateSize = Part(experts.IntermediateSize, 8) } : null,
        };

        int Part(int size, int multiple) => Math.Max(1, (int)Math.Round(size * scale / multiple)) * multiple;
    }
}
