namespace QkvMigrate.Planning.Lora;

/// <summary>What is done with a LoRA.</summary>
public enum LoraTreatment
{
    /// <summary>It gets its new names. Where new names alone would give its delta to other heads, the checkpoint is refused.</summary>
    Refuse,

    /// <summary>
    /// It gets its new names. Where new names alone would give its delta to other heads, it becomes a LoRA of higher rank with exactly
    /// the same delta.
    /// </summary>
    Expand,

    /// <summary>Its delta is added to the weights of its base, whose upgrade is written; no LoRA is left.</summary>
    Merge,
}

/// <summary>What a user says about LoRA.</summary>
/// <param name="Treatment">What to do with it.</param>
/// <param name="IsBefore900">
/// Whether the checkpoint was trained by a LitGPT before pull request #900 of 2024-02-05, which the file does not say.
/// </param>
public sealed record LoraOptions(LoraTreatment Treatment = LoraTreatment.Refuse, bool IsBefore900 = false)
{
    /// <summary>
    /// With <see cref="LoraTreatment.Merge"/>: the base, a file or a directory with a <c>lit_model.pth</c>; null where
    /// <c>hyperparameters.yaml</c> names it.
    /// </summary>
    public string? Base { get; init; }

    /// <summary>With <see cref="LoraTreatment.Merge"/>: LitGPT's <c>lora_alpha</c>; null where <c>hyperparameters.yaml</c> says it.</summary>
    public double? Alpha { get; init; }

    /// <summary>With <see cref="LoraTreatment.Merge"/>: LitGPT's <c>lora_r</c>, which must be the matrices' own.</summary>
    public long? Rank { get; init; }
}
