using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Exporting;

/// <summary>What a user says about an export.</summary>
public sealed record ExportOptions
{
    /// <summary>The types to which weights are converted, by PyTorch's names.</summary>
    public static IReadOnlyList<string> DTypes => ElementTypes.Targets;

    /// <summary>Bytes of tensors in one file at most; 5 GB, as Hugging Face's libraries had it for years.</summary>
    public long MaximumShardBytes { get; init; } = 5_000_000_000;

    /// <summary>The element type of all weights, or null for that which each has.</summary>
    public DType? DType { get; init; }

    /// <summary>LitGPT's configuration, where it is not beside the checkpoint; or null.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>Of a LoRA: its era and its alpha.</summary>
    public LoraOptions Lora { get; init; } = new();
}
