using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>The zip that <c>torch.save</c> writes: each entry is a region, and has a CRC-32.</summary>
internal static class TorchZipComparison
{
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
        long? Length(ZipEntry entry) => entry.Name == pickle ? null : resized.TryGetValue(entry.DataOffset, out var length) ? length : entry.Size;
        if (!ZipComparison.Compare(before, after, dropped, original.Source, Length, log))
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
            changes.Renames,
            ExpectedNumbers.Of(original.Pickle, original, changes),
            upgraded.PickleEntry.DataOffset,
            log,
            proofs);
        var moved = changes.Moved.ToLookup(view => view.Tensor.Storage.Offset);
        var kept = ZipComparison.Without(dropped, before.Entries);
        var regions = new RegionPair[kept.Count];
        for (var i = 0; i < regions.Length; i++)
        {
            regions[i] = Pair(kept[i], after.Entries[i]);
        }

        return regions;

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
