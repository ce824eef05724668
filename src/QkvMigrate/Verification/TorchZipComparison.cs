using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>The zip that <c>torch.save</c> writes: each entry is a region, and has a CRC-32.</summary>
internal static class TorchZipComparison
{
    private const string PickleName = "data.pkl";
    private const string StorageFolder = "data/";

    /// <summary>Compares the frames of the zips and their pickles. Returns their entries in pairs, whose bytes are still to be compared.</summary>
    public static IReadOnlyList<RegionPair>? Compare(
        TorchZipCheckpoint original,
        TorchZipCheckpoint upgraded,
        ExpectedChanges changes,
        IReadOnlySet<string> dropped,
        DifferenceLog log,
        ProofLog proofs)
    {
        var (before, after) = (original.Directory, upgraded.Directory);
        var pickle = original.PickleEntry.Name;
        var storages = original.Tensors.Select(tensor => tensor.Storage).Concat(original.OpaqueStorages)
            .DistinctBy(storage => storage.Offset).ToDictionary(storage => storage.Offset);
        var resized = storages.Values
            .Where(storage => changes.LengthAfter(storage) is not null)
            .ToDictionary(storage => storage.Offset, storage => changes.LengthAfter(storage)!.Value);
        var folder = pickle[..^PickleName.Length] + StorageFolder;
        var own = changes.Storages.Own.ToDictionary(storage => folder + storage.Key);
        var gone = dropped.Concat(changes.Storages.Gone.Select(key => folder + key)).ToHashSet();
        var kept = ZipComparison.Without(gone, before.Entries);
        var lengths = kept.ToDictionary(entry => entry.Name, entry => resized.GetValueOrDefault(entry.DataOffset, entry.Size));
        foreach (var (name, storage) in own)
        {
            lengths[name] = storage.View.Tensor.Extent;
        }

        long? Length(ZipEntry entry) => entry.Name == pickle ? null : lengths[entry.Name];
        var added = own.ToDictionary(storage => storage.Key, storage => before.ByName[folder + storage.Value.View.Tensor.Storage.Key]);
        if (!ZipComparison.Compare(before, after, gone, added, original.Source, Length, log))
        {
            return null;
        }

        proofs.Cover("zip", $"{after.Entries.Count} entries and their order: headers, extra fields, padding, comments, descriptors, and the records at the end");
        if (dropped.Count > 0)
        {
            proofs.Cover("storages left out", $"{dropped.Count}, each of which nothing in the first file names");
        }

        PickleComparison.Compare(
            original.Pickle,
            upgraded.Pickle,
            ExpectedPickle.Of(original.Pickle, original, changes, log),
            upgraded.PickleEntry.DataOffset,
            log,
            proofs);
        if (own.Count > 0)
        {
            proofs.Cover("storages of their own", $"{own.Count}, each of a tensor that shared bytes with what must not move, and {changes.Storages.Gone.Count} that are used no more");
        }

        var moved = changes.Storages.InPlace.ToLookup(view => view.Tensor.Storage.Offset);
        var regions = new RegionPair[after.Entries.Count];
        for (var i = 0; i < regions.Length; i++)
        {
            regions[i] = i < kept.Count ? Pair(kept[i], after.Entries[i]) : Own(after.Entries[i]);
        }

        return regions;

        RegionPair Own(ZipEntry now) => own[now.Name].Pair(ZipFailure.EntryKind, now.Name, new FileRegion(now.DataOffset, now.Size, now.Crc));

        RegionPair Pair(ZipEntry old, ZipEntry now)
        {
            var (isMoved, isResized) = (moved.Contains(old.DataOffset), resized.ContainsKey(old.DataOffset));
            return new RegionPair(
                ZipFailure.EntryKind,
                now.Name,
                new FileRegion(old.DataOffset, old.Size, old.HasChecksum ? old.Crc : null),

                // No checksum may stand for one that was not counted, but only where none stood before and no byte is new.
                new FileRegion(now.DataOffset, now.Size, old.HasChecksum || now.HasChecksum || isMoved || isResized ? now.Crc : null),
                storages.GetValueOrDefault(old.DataOffset)?.Key,
                isMoved ? [.. moved[old.DataOffset].OrderBy(view => view.Tensor.FileOffset)] : [],
                old.Name != pickle && !isResized)
            {
                Merged = storages.TryGetValue(old.DataOffset, out var storage) ? changes.Merged?.In(storage) : null,
            };
        }
    }
}
