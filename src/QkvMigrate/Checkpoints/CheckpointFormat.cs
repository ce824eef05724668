namespace QkvMigrate.Checkpoints;

/// <summary>The file formats; a file's content says which one it has.</summary>
public enum CheckpointFormat
{
    /// <summary>The zip that <c>torch.save</c> writes since PyTorch 1.6.</summary>
    TorchZip,

    /// <summary>
    /// The pickles and storages, one behind the other, that <c>torch.save</c> wrote before. Reports and records have the word
    /// <c>torch-legacy</c> for it; the code says <c>TorchBefore16</c>, since legacy are LitGPT's old rows and names.
    /// </summary>
    TorchLegacy,

    /// <summary>Hugging Face's safetensors.</summary>
    Safetensors,
}
