using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints;

/// <summary>A run of bytes in a file that one or more tensors look into.</summary>
/// <param name="Source">The file.</param>
/// <param name="Key">The name that the format gives it.</param>
/// <param name="Offset">Where its bytes start in the file.</param>
/// <param name="Length">How many bytes it has.</param>
public sealed record StorageEntry(SourceFile Source, string Key, long Offset, long Length);
