using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchBefore16;

namespace QkvMigrate.Verification;

/// <summary>
/// The file that <c>torch.save</c> wrote before PyTorch 1.6 (torch/serialization.py, <c>_legacy_save</c>): three pickles
/// that must not change, that of the objects, then the list of storage keys and the storages, which stand where the
/// pickle of the objects ends.
/// </summary>
internal static class TorchBefore16Comparison
{
    private const string Kind = "storage";
    private const string CountKind = "count of elements of storage";

    /// <summary>Compares the pickles. Returns what is around them in pairs, whose bytes are still to be compared.</summary>
    public static IReadOnlyList<RegionPair>? Compare(
        TorchBefore16Checkpoint original,
        TorchBefore16Checkpoint upgraded,
        ExpectedChanges changes,
        DifferenceLog log,
        ProofLog proofs)
    {
        var (start, newStart) = (original.ObjectsStart, upgraded.ObjectsStart);
        if (start != newStart)
        {
            log.Add("pickle", $"the objects start at byte {newStart}, expected {start}", newStart);
            return null;
        }

        PickleComparison.Compare(original.Objects, upgraded.Objects, ExpectedPickle.Of(original.Objects, original, changes, log), newStart, log, proofs);
        var storages = changes.Storages.Own.Count == 0
            ? StorageRegions.Pair(original, original.ObjectsEnd, upgraded, upgraded.ObjectsEnd, changes, log)
            : PairStorages(original, upgraded, changes, log, proofs);
        return storages is null
            ? null
            : [new RegionPair("pickles before the objects", null, new FileRegion(0, start), new FileRegion(0, start), null, []), .. storages];
    }

    /// <summary>
    /// Pairs the storages where some are new: those that stay in their order, and the new ones behind them. That the storages
    /// fill the file from the list of their keys to its end, and have as many elements as the objects say, is checked on reading.
    /// </summary>
    private static List<RegionPair>? PairStorages(
        TorchBefore16Checkpoint original,
        TorchBefore16Checkpoint upgraded,
        ExpectedChanges changes,
        DifferenceLog log,
        ProofLog proofs)
    {
        var (own, gone) = (changes.Storages.Own.ToDictionary(storage => storage.Key), changes.Storages.Gone);
        if (!StorageKeyComparison.Compare(original.Keys, upgraded.Keys, gone, own.Keys, upgraded.ObjectsEnd, log))
        {
            return null;
        }

        proofs.Cover("storages of their own", $"{own.Count}, each of a tensor that shared bytes with what must not move, and {gone.Count} that are used no more");
        var moved = changes.Storages.InPlace.ToLookup(view => view.Tensor.Storage.Key);
        var regions = new List<RegionPair>();
        foreach (var (key, after) in upgraded.Storages)
        {
            if (own.TryGetValue(key, out var storage))
            {
                Add(storage.Pair(Kind, key, new FileRegion(after.Offset, after.Length)), storage.View.Tensor.Extent);
                continue;
            }

            var before = original.Storages[key];
            regions.Add(new RegionPair(CountKind, key, Count(before), Count(after), null, []));
            var views = moved[key].OrderBy(view => view.Tensor.FileOffset).ToList();
            var merged = changes.Merged?.In(before);
            var pair = new RegionPair(Kind, key, new FileRegion(before.Offset, before.Length), new FileRegion(after.Offset, after.Length), key, views, merged is null);
            Add(pair with { Merged = merged }, before.Length);
        }

        return log.Count == 0 ? regions : null;

        void Add(RegionPair pair, long length)
        {
            if (pair.After.Length != length)
            {
                log.Add(pair.Place, $"{pair.After.Length} bytes, expected {length}", pair.After.Offset);
            }

            regions.Add(pair);
        }
    }

    /// <summary>The number of elements that stands before a storage.</summary>
    private static FileRegion Count(StorageEntry storage) => new(storage.Offset - sizeof(long), sizeof(long));
}
