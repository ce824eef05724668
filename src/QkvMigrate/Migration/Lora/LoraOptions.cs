namespace QkvMigrate.Migration.Lora;

/// <summary>What is done with a LoRA whose delta a new name alone would move to other heads.</summary>
public enum LoraTreatment
{
    /// <summary>The checkpoint is refused.</summary>
    Refuse,

    /// <summary>The delta is kept exactly, as a LoRA of higher rank.</summary>
    Expand,
}

/// <summary>What a user says about LoRA.</summary>
/// <param name="Treatment">What to do where renaming is not exact.</param>
/// <param name="IsBefore900">
/// Whether the checkpoint was trained by a LitGPT before pull request #900 of 2024-02-05, which the file does not say.
/// </param>
public sealed record LoraOptions(LoraTreatment Treatment = LoraTreatment.Refuse, bool IsBefore900 = false);
