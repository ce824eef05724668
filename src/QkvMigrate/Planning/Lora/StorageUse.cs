using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Lora;

/// <summary>Counts the tensors of each storage: a storage of one tensor alone can be replaced.</summary>
internal sealed class StorageUse(Checkpoint checkpoint)
{
    private readonly Dictionary<StorageEntry, int> tensors = checkpoint.Tensors.CountBy(tensor => tensor.Storage).ToDictionary();

    /// <summary>Whether something else looks into the storage of <paramref name="tensor"/>.</summary>
    public bool IsShared(TensorEntry tensor) => checkpoint.OpaqueStorages.Contains(tensor.Storage) || tensors[tensor.Storage] > 1;
}
