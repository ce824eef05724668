namespace QkvMigrate.Cli.Rendering.Documents;

/// <summary>What an export writes: a model of a family, its files of weights, and the names of the others.</summary>
internal sealed record JsonExport(string Family, string Dtype, IReadOnlyList<JsonExportedFile> Files, IReadOnlyList<string> Companions);

/// <summary>A file of weights.</summary>
internal sealed record JsonExportedFile(string Name, long Bytes, int Tensors);
