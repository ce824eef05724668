using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchLegacy;
using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// The file that <c>torch.save</c> wrote before PyTorch 1.6 (torch/serialization.py, <c>_legacy_save</c>): three pickles
/// that must not change, that of the objects, then the list of storage keys and the storages, which stand where the
/// pickle of the objects ends.
/// </summary>
internal static class LegacyStructure
{
    private static readonly string[] Preamble = ["magic number", "protocol version", "system information"];

    /// <summary>Compares the pickles and pairs what is around them.</summary>
    public static IReadOnlyList<RegionPair>? Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        var (start, objects, end) = Read(original.Source);
        var (newStart, newObjects, newEnd) = Read(upgraded.Source);
        if (start != newStart)
        {
            log.Add("pickle", $"the objects start at byte {newStart}, expected {start}", newStart);
            return null;
        }

        PickleComparison.Compare(objects, newObjects, changes.Renames, ExpectedNumbers.Of(objects, original, changes), newStart, log);
        return StorageRegions.Pair(original, end, upgraded, newEnd, changes, log) is { } storages
            ? [new RegionPair("pickles before the objects", new FileRegion(0, start), new FileRegion(0, start), null, []), .. storages]
            : null;
    }

    private static (long Start, PickleDocument Objects, long End) Read(SourceFile source)
    {
        var pickles = new PickleSequence(source);
        foreach (var name in Preamble)
        {
            pickles.Next(name);
        }

        var start = pickles.Position;
        return (start, pickles.Next("object"), pickles.Position);
    }
}
