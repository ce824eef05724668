namespace QkvMigrate.Running.Exports;

/// <summary>What an export makes of a checkpoint, in numbers.</summary>
/// <param name="Family">The family of Hugging Face's models.</param>
/// <param name="DType">The element type of most of its bytes, by PyTorch's name.</param>
/// <param name="Files">The files of weights.</param>
/// <param name="Companions">The names of the other files.</param>
public sealed record ExportSummary(string Family, string DType, IReadOnlyList<ExportedFile> Files, IReadOnlyList<string> Companions);

/// <summary>A file of weights.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">How many bytes it has.</param>
/// <param name="Tensors">How many tensors it has.</param>
public sealed record ExportedFile(string Name, long Bytes, int Tensors);
