namespace QkvMigrate.Torch.Generation;

/// <summary>How tokens are generated. Greedy where neither <see cref="Temperature"/> nor <see cref="TopK"/> is given.</summary>
public sealed record GenerationOptions
{
    /// <summary>As many as LitGPT generates where it is not told (litgpt/generate/base.py, <c>main</c>).</summary>
    public const int DefaultNewTokens = 50;

    /// <summary>
    /// LitGPT's <c>max_new_tokens</c>: how many tokens are put behind the prompt; null for <see cref="DefaultNewTokens"/>, or what
    /// <c>block_size</c> leaves of them.
    /// </summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Logits are divided by it before they become probabilities; 0 is greedy; null is 1 where <see cref="TopK"/> is given.</summary>
    public double? Temperature { get; init; }

    /// <summary>Only the so many likeliest tokens are drawn from.</summary>
    public int? TopK { get; init; }

    /// <summary>The same seed draws the same tokens on the same kind of device.</summary>
    public long Seed { get; init; } = 1234;

    /// <summary>Whether the result has the logits behind each token of the prompt. They are computed for the last one alone where it has not.</summary>
    public bool WithPromptLogits { get; init; }

    /// <summary>Whether the result has the logits that each new token was chosen by, which costs a copy from the device for each.</summary>
    public bool WithNewLogits { get; init; }

    /// <summary>Keep keys and values from token to token; the tokens are the same without, only slower.</summary>
    public bool UseCache { get; init; } = true;

    /// <summary>Whether the likeliest token is always taken.</summary>
    public bool IsGreedy => Temperature is 0 || (Temperature is null && TopK is null);
}
