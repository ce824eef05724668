namespace QkvMigrate.Checkpoints;

/// <summary>
/// Names that only checkpoints have. A file with such a name and other content, because a copy broke off or a disk was full,
/// is reported and not skipped.
/// </summary>
internal static class CheckpointNames
{
    /// <summary>The endings of what LitGPT's training, conversion and fine-tuning write, each after <c>lit_model</c>.</summary>
    private static readonly string[] LitGptEndings = [".pth", ".pth.lora", ".pth.adapter", ".pth.adapter_v2"];

    private static readonly string[] UsualEndings = [".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".lora", ".adapter", ".adapter_v2"];

    /// <summary>Whether LitGPT gives a checkpoint this name.</summary>
    public static bool IsLitGpts(string name) =>
        name.StartsWith("lit_model", StringComparison.Ordinal) && LitGptEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>Whether Hugging Face's libraries give a checkpoint this name.</summary>
    public static bool IsHuggingFaces(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        || (name.StartsWith("pytorch_model", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal));

    /// <summary>Whether a file of this name is likely a checkpoint, whoever wrote it.</summary>
    public static bool IsUsual(string name) => UsualEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
