using QkvMigrate.Checkpoints;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>
/// Pairs the end of two files where storages lie one behind the other: each storage is a region, and so is whatever
/// stands between two. Both ends must be equally long, so that each byte has its place.
/// </summary>
internal static class StorageRegions
{
    /// <summary>The regions from <paramref name="start"/> of the first and <paramref name="newStart"/> of the second file to their ends.</summary>
    public static IReadOnlyList<RegionPair>? Pair(
        Checkpoint original,
        long start,
        Checkpoint upgraded,
        long newStart,
        ExpectedChanges changes,
        DifferenceLog log)
    {
        var (length, found) = (original.Source.Length - start, upgraded.Source.Length - newStart);
        if (length != found)
        {
            log.Add("file", $"{found} bytes from byte {newStart} on, expected {length}", newStart);
            return null;
        }

        var moved = changes.Storages.InPlace.ToLookup(view => view.Tensor.Storage.Key);
        var regions = new List<RegionPair>();
        var done = start;
        var storages = original.Tensors.Select(tensor => tensor.Storage)
            .Concat(original.OpaqueStorages)
            .Where(storage => storage.Length > 0)
            .DistinctBy(storage => storage.Offset)
            .OrderBy(storage => storage.Offset);
        foreach (var storage in storages)
        {
            Add(done, storage.Offset, "bytes before storage", storage.Key, null, [], null);
            done = storage.Offset + storage.Length;
            Add(storage.Offset, done, "storage", storage.Key, storage.Key, [.. moved[storage.Key].OrderBy(view => view.Tensor.FileOffset)], changes.Merged?.In(storage));
        }

        Add(done, original.Source.Length, "bytes behind the storages", null, null, [], null);
        return regions;

        void Add(long from, long to, string kind, string? name, string? key, IReadOnlyList<MovedView> views, MergedWeight? merged)
        {
            if (to > from)
            {
                regions.Add(new RegionPair(kind, name, new FileRegion(from, to - from), new FileRegion(newStart + from - start, to - from), key, views, merged is null) { Merged = merged });
            }
        }
    }
}
