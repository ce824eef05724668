using System.Buffers.Binary;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Files;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchBefore16;

/// <summary>
/// The storages behind the pickles: for each key of the list, 8 bytes with the number of elements, little-endian, and the
/// elements (torch/csrc/serialization.cpp, <c>THPStorage_writeFileRaw</c>). The size of an element is known from the
/// class by which the object pickle first names the storage.
/// </summary>
internal static class TorchBefore16Storages
{
    /// <summary>Bytes of the number of elements before each storage.</summary>
    public const int CountBytes = sizeof(long);

    /// <summary>Finds the bytes of each storage, in the order of the file.</summary>
    /// <param name="source">The file.</param>
    /// <param name="objects">The object pickle, which names the storages.</param>
    /// <param name="keys">The list of keys, in the order of the storages.</param>
    /// <param name="start">The first byte behind the list.</param>
    public static OrderedDictionary<string, StorageEntry> Find(SourceFile source, PickleDocument objects, PickleDocument keys, long start)
    {
        var declared = Declared(source, objects);
        var found = new OrderedDictionary<string, StorageEntry>();
        var at = start;
        foreach (var key in StorageKeyList.Read(keys).Select(item => ((PickleString)item.Node).Text))
        {
            if (!declared.TryGetValue(key, out var storage))
            {
                throw Failure(key, at, "its key is in the list of storages, but no object names it");
            }

            var count = BinaryPrimitives.ReadInt64LittleEndian(source.Read(at, CountBytes));
            if (count != storage.ElementCount)
            {
                throw Failure(key, at, $"{count} elements, the object pickle says {storage.ElementCount}");
            }

            var entry = new StorageEntry(source, key, at + CountBytes, count * storage.DType.ItemSize);
            if (entry.Length > source.Length - entry.Offset)
            {
                throw Failure(key, at, $"{entry.Length} bytes are expected, the file has {source.Length - entry.Offset} left");
            }

            if (!found.TryAdd(key, entry))
            {
                throw Failure(key, at, "its key stands twice in the list of storages");
            }

            at = entry.Offset + entry.Length;
        }

        return at == source.Length
            ? found
            : throw new MigrationException(FailureKind.Malformed, $"{source.Length - at} bytes stand behind the last storage", offset: at);
    }

    /// <summary>The storages as the object pickle names them for the first time, which is how <c>torch.load</c> makes them.</summary>
    private static Dictionary<string, TorchStorage> Declared(SourceFile source, PickleDocument objects)
    {
        var storages = new TorchStorages(key => new StorageEntry(source, key, 0, long.MaxValue));
        var declared = new Dictionary<string, TorchStorage>();
        foreach (var persistent in objects.Persistents)
        {
            CheckKind(persistent);
            var storage = storages.Read(persistent);
            declared.TryAdd(storage.Entry.Key, storage);
        }

        return declared;
    }

    private static void CheckKind(PicklePersistent persistent)
    {
        var items = (persistent.Id.Node as PickleTuple)?.Items ?? [];
        if (items is [{ Node: PickleString { Text: "module" } }, ..])
        {
            throw PickleFailure.Limit(persistent.Offset, "a whole module that was pickled with its source code, not a state dict");
        }

        if (items.Length > 5 && items[5].Node is not PickleNone)
        {
            throw PickleFailure.Limit(persistent.Offset, "a storage that is a view into another one (view_metadata)");
        }
    }

    private static MigrationException Failure(string key, long at, string problem) =>
        new(FailureKind.Malformed, problem, where: $"storage {key}", offset: at);
}
