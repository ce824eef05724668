using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>The zip that <c>torch.save</c> writes: each entry is a region, and has a CRC-32.</summary>
internal static class ZipStructure
{
    /// <summary>Compares the frames of the zips and their pickles, and pairs their entries.</summary>
    public static IReadOnlyList<RegionPair>? Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        var (before, after) = (ZipDirectory.Read(original.Source), ZipDirectory.Read(upgraded.Source));
        var pickle = PickleName(before);
        var storages = original.Tensors.Select(tensor => tensor.Storage).Concat(original.OpaqueStorages)
            .DistinctBy(storage => storage.Offset).ToDictionary(storage => storage.Offset);
        var resized = storages.Values.Where(storage => changes.LengthAfter(storage) is not null).ToDictionary(storage => storage.Offset, storage => changes.LengthAfter(storage)!.Value);
        long? Length(ZipEntry entry) => entry.Name == pickle ? null : resized.TryGetValue(entry.DataOffset, out var length) ? length : entry.Size;
        if (!ZipComparison.Compare(before, after, original.Source, Length, log))
        {
            return null;
        }

        var (oldPickle, newPickle) = (Pickle(original.Source, before.ByName[pickle]), Pickle(upgraded.Source, after.ByName[pickle]));
        PickleComparison.Compare(oldPickle, newPickle, changes.Renames, ExpectedNumbers.Of(oldPickle, original, changes), after.ByName[pickle].DataOffset, log);
        var moved = changes.Moved.ToLookup(view => view.Tensor.Storage.Offset);
        return [.. before.Entries.Zip(after.Entries, (old, young) => new RegionPair(
            ZipComparison.Place(young),
            new FileRegion(old.DataOffset, old.Size, old.HasChecksum ? old.Crc : null),

            // No checksum may stand for one that was not counted, but only where none stood before and no byte is new.
            new FileRegion(young.DataOffset, young.Size, old.HasChecksum || young.HasChecksum || moved.Contains(old.DataOffset) || resized.ContainsKey(old.DataOffset) ? young.Crc : null),
            storages.GetValueOrDefault(old.DataOffset)?.Key,
            [.. moved[old.DataOffset].OrderBy(view => view.Tensor.FileOffset)],
            old.Name != pickle && !resized.ContainsKey(old.DataOffset)))];
    }

    /// <summary>All of PyTorch's records are in one folder, that of the directory's first entry (caffe2/serialize/inline_container.cc, <c>PyTorchStreamReader::init</c>).</summary>
    private static string PickleName(ZipDirectory zip) =>
        $"{zip.Listed[0].Name[..zip.Listed[0].Name.IndexOf('/', StringComparison.Ordinal)]}/data.pkl";

    private static PickleDocument Pickle(SourceFile source, ZipEntry entry) =>
        PickleMachine.Run(source.Read(entry.DataOffset, (int)entry.Size));
}
