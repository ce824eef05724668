using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Model;

/// <summary>
/// LitGPT's <c>GPT</c>, with the attention of either age: <see cref="LayoutFamilies.Interleaved"/> before pull request
/// #1013, <see cref="LayoutFamilies.Sequential"/> since.
/// </summary>
internal sealed class Gpt : IDisposable
{
    private readonly ParameterSet parameters;
    private readonly Tensor embedding;
    private readonly TransformerBlock[] blocks;
    private readonly INorm finalNorm;
    private readonly Linear head;
    private readonly RotaryEmbedding rotary;
    private readonly Tensor? embeddingScale;

    /// <summary>Builds the model of parameters that it then owns.</summary>
    /// <exception cref="MigrationException">A parameter is missing or has another shape, or the layout does not go with the configuration.</exception>
    public Gpt(ModelConfiguration configuration, LayoutFamily layout, IParameterSource source)
    {
        if (layout.Age == LitGptAge.Legacy && configuration.QueryKeyNorm != QueryKeyNorm.None)
        {
            throw new MigrationException(FailureKind.Unsupported, "norm_qk with interleaved rows: LitGPT had it only after the rows became sequential");
        }

        Configuration = configuration;
        Layout = layout;
        parameters = new ParameterSet(source);
        try
        {
            var all = new ParameterScope(parameters, "");
            var transformer = all["transformer"];
            embedding = transformer["wte"].Take("weight", configuration.PaddedVocabularySize, configuration.EmbeddingSize);
            blocks =
            [
                .. Enumerable
                    .Range(0, configuration.LayerCount)
                    .Select(layer => new TransformerBlock(configuration, layout, transformer["h"][$"{layer}"], layer)),
            ];
            finalNorm = Norms.Create(configuration, transformer["ln_f"], configuration.EmbeddingSize);
            head = new Linear(all["lm_head"], configuration.EmbeddingSize, configuration.PaddedVocabularySize, configuration.LmHeadBias);
            rotary = new RotaryEmbedding(configuration, embedding.device);
            embeddingScale = configuration.ScaleEmbeddings ? tensor(Math.Sqrt(configuration.EmbeddingSize), DType, Device).DetachFromDisposeScope() : null;
        }
        catch
        {
            parameters.Dispose();
            throw;
        }
    }

    /// <summary>What the model is made of.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Where its q, k and v stand.</summary>
    public LayoutFamily Layout { get; }

    /// <summary>The parameters.</summary>
    public IReadOnlyList<Tensor> Parameters => parameters.Tensors;

    /// <summary>Where the parameters are.</summary>
    public Device Device => embedding.device;

    /// <summary>The element type that the model computes in.</summary>
    public ScalarType DType => embedding.dtype;

    /// <summary>Caches for sequences of up to <paramref name="capacity"/> tokens.</summary>
    public GenerationCache CreateCache(long batch, long capacity) =>
        new([.. blocks.Select(block => new KeyValueCache(batch, block.CachedHeads, capacity, Configuration.Geometry.HeadSize, DType, Device))], capacity);

    /// <summary>
    /// Logits <c>(B, T, padded_vocab_size)</c> for tokens <c>(B, T)</c>, int64. With <paramref name="cache"/>, the tokens stand
    /// behind those that passed with it before. With <paramref name="wanted"/>, the logits are those of so many of the last tokens.
    /// </summary>
    public Tensor Forward(Tensor tokens, GenerationCache? cache = null, long? wanted = null)
    {
        using var scope = NewDisposeScope();
        var (start, count) = (cache?.Length ?? 0, tokens.shape[1]);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, cache?.Capacity ?? Configuration.BlockSize, nameof(tokens));
        var rotation = rotary.At(start, count);
        using var mask = new CausalMask(start, count, Device);
        var x = embedding.index_select(0, tokens.flatten()).view(tokens.shape[0], count, -1);
        if (embeddingScale is not null)
        {
            x *= embeddingScale;
        }

        for (var layer = 0; layer < blocks.Length; layer++)
        {
            var next = blocks[layer].Forward(x, rotation, mask, cache?.Layers[layer], start);
            x.Dispose();
            x = next;
        }

        cache?.Advance(count);
        var last = wanted is { } positions && positions < count ? x.narrow(1, count - positions, positions) : x;
        var logits = head.Forward(finalNorm.Forward(last));
        return (Configuration.FinalLogitSoftcapping is { } threshold ? SoftCap.Apply(logits, threshold) : logits).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        rotary.Dispose();
        embeddingScale?.Dispose();
        parameters.Dispose();
    }
}
