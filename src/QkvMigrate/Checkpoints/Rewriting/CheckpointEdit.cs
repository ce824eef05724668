namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>All that is to change in a checkpoint: names, rows within storages, whole storages.</summary>
/// <param name="Renames">The new texts of names, by their places (<see cref="NameEntry.Id"/>).</param>
/// <param name="Reorders">Blocks that do not overlap, in any order.</param>
internal sealed record CheckpointEdit(IReadOnlyDictionary<int, string> Renames, IReadOnlyList<BlockReorder> Reorders)
{
    /// <summary>
    /// Storages that get other bytes, each once and none with a block in <see cref="Reorders"/>; only where
    /// <see cref="Checkpoint.TakesReplacements"/>.
    /// </summary>
    public IReadOnlyList<StorageReplacement> Replacements { get; init; } = [];

    /// <summary>Tensors that leave their storage for one of their own; only where <see cref="Checkpoint.TakesSplits"/>.</summary>
    public IReadOnlyList<StorageSplit> Splits { get; init; } = [];
}
