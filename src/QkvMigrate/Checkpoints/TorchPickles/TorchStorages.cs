using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>A storage as a pickle names it.</summary>
/// <param name="Entry">Where its bytes are.</param>
/// <param name="DType">The element type that its class stands for.</param>
/// <param name="ElementCount">How many elements it has.</param>
internal sealed record TorchStorage(StorageEntry Entry, DType DType, long ElementCount);

/// <summary>
/// Reads the persistent ids of storages, <c>('storage', class, key, location, numel)</c>
/// (torch/serialization.py, <c>_save.persistent_id</c>), and finds the bytes of each.
/// </summary>
internal sealed class TorchStorages(Func<string, StorageEntry?> find)
{
    /// <summary>Where the key stands in a persistent id.</summary>
    public const int KeyIndex = 2;

    /// <summary>Where the count of elements stands in a persistent id.</summary>
    public const int CountIndex = 4;

    private readonly Dictionary<string, StorageEntry> entries = [];

    /// <summary>The storages that were named, in the order of their first mention.</summary>
    public IReadOnlyCollection<StorageEntry> Entries => entries.Values;

    /// <summary>Reads the persistent id at <paramref name="node"/>.</summary>
    /// <exception cref="MigrationException">It names no storage, one that is not there, or one that is too short.</exception>
    public TorchStorage Read(PicklePersistent node)
    {
        if (node.Id.Node is not PickleTuple { Items: { Length: >= 5 } items } || items[0].Node is not PickleString { Text: "storage" })
        {
            throw PickleFailure.At(node.Offset, "a persistent id that is no ('storage', class, key, location, numel)");
        }

        // torch.save writes the key as a string, lit-gpt's incremental_save as an int (lit_gpt/utils.py, IncrementalPyTorchPickler).
        var key = items[KeyIndex].Node switch
        {
            PickleString text => text.Text,
            PickleInteger number => number.Value.ToString(),
            _ => throw PickleFailure.At(node.Offset, "a storage whose key is neither a string nor an int"),
        };
        var dtype = TorchGlobals.StorageType(items[1].Node)
            ?? throw new MigrationException(
                FailureKind.Unsupported,
                $"storage {key} has the class {(items[1].Node as PickleGlobal)?.FullName ?? "of no name"}, which this tool does not know", where: "pickle",
                offset: node.Offset);
        if (items[CountIndex].Node is not PickleInteger { Value: >= 0 and var count })
        {
            throw PickleFailure.At(node.Offset, $"storage {key} without a number of elements");
        }

        if (!entries.TryGetValue(key, out var entry))
        {
            entry = find(key) ?? throw PickleFailure.At(node.Offset, $"storage {key} is named, but its bytes are not in the file");
            entries.Add(key, entry);
        }

        return count <= entry.Length / dtype.ItemSize
            ? new TorchStorage(entry, dtype, count)
            : throw PickleFailure.At(node.Offset, $"storage {key} is said to have {count} elements of {dtype}, the file has {entry.Length} bytes of it");
    }
}
