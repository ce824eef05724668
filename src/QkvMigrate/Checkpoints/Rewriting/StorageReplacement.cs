using QkvMigrate.FilePlans;

namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>New contents of a storage, of any length, under the name that it has.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Bytes">Its new bytes.</param>
/// <param name="Views">How each tensor that looks into it does so afterwards.</param>
internal sealed record StorageReplacement(StorageEntry Storage, ComputedBytes Bytes, IReadOnlyList<TensorPlacement> Views);
