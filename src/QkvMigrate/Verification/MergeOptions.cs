namespace QkvMigrate.Verification;

/// <summary>What a user says about a LoRA that was merged into its base.</summary>
public sealed record MergeOptions
{
    /// <summary>The base, a file or a directory with a <c>lit_model.pth</c>; null where <c>hyperparameters.yaml</c> beside the LoRA names it.</summary>
    public string? Base { get; init; }

    /// <summary>LitGPT's <c>lora_alpha</c>; null where <c>hyperparameters.yaml</c> says it.</summary>
    public double? Alpha { get; init; }

    /// <summary>LitGPT's <c>lora_r</c>, which must be the matrices' own.</summary>
    public long? Rank { get; init; }

    /// <summary>Whether the LoRA was trained by a LitGPT before pull request #900 of 2024-02-05, which the file does not say.</summary>
    public bool IsBefore900 { get; init; }
}
