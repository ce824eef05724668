using QkvMigrate.Checkpoints.TorchBefore16;

namespace QkvMigrate.Verification;

/// <summary>
/// The file that <c>torch.save</c> wrote before PyTorch 1.6 (torch/serialization.py, <c>_legacy_save</c>): three pickles
/// that must not change, that of the objects, then the list of storage keys and the storages, which stand where the
/// pickle of the objects ends.
/// </summary>
internal static class TorchBefore16Comparison
{
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

        PickleComparison.Compare(original.Objects, upgraded.Objects, changes.Renames, ExpectedNumbers.Of(original.Objects, original, changes), newStart, log, proofs);
        return StorageRegions.Pair(original, original.ObjectsEnd, upgraded, upgraded.ObjectsEnd, changes, log) is { } storages
            ? [new RegionPair("pickles before the objects", null, new FileRegion(0, start), new FileRegion(0, start), null, []), .. storages]
            : null;
    }
}
