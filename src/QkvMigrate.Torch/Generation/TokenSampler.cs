using static TorchSharp.torch;

namespace QkvMigrate.Torch.Generation;

/// <summary>
/// Chooses the next token by the logits behind the last one (litgpt/generate/base.py, <c>sample</c>). Draws on the CPU, where
/// TorchSharp has a generator.
/// </summary>
internal sealed class TokenSampler : IDisposable
{
    private readonly GenerationOptions options;
    private readonly Generator? generator;

    public TokenSampler(GenerationOptions options)
    {
        this.options = options;
        generator = options.IsGreedy ? null : new Generator((ulong)options.Seed, CPU);
    }

    /// <summary>
    /// The token for logits of one dimension, one a token: one int64 on the device of the logits. To draw, they are waited
    /// for; the likeliest is found without.
    /// </summary>
    public Tensor Next(Tensor logits)
    {
        using var scope = NewDisposeScope();
        if (generator is null)
        {
            return logits.argmax(-1).MoveToOuterDisposeScope();
        }

        var (candidates, tokens) = logits.to_type(ScalarType.Float32).topk((int)Math.Min(options.TopK ?? long.MaxValue, logits.shape[0]));
        var drawn = candidates.Over(options.Temperature ?? 1).softmax(-1).cpu().multinomial(1, false, generator);
        return tokens.index_select(0, drawn.to(tokens.device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => generator?.Dispose();
}
