using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Safetensors;
using QkvMigrate.Checkpoints.TorchBefore16;
using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>Compares all of two files but their storages, as their format has it, and returns the regions that are still to be compared.</summary>
internal static class FormatComparison
{
    /// <summary>The regions whose bytes are still to be compared, in the order of the file; null where the files cannot be paired.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file.</param>
    /// <param name="changes">What must have changed.</param>
    /// <param name="dropped">The names of the records that the second file must not have.</param>
    /// <param name="log">Takes the differences.</param>
    /// <param name="proofs">Takes what was compared.</param>
    public static IReadOnlyList<RegionPair>? Compare(
        Checkpoint original,
        Checkpoint upgraded,
        ExpectedChanges changes,
        IReadOnlySet<string> dropped,
        DifferenceLog log,
        ProofLog proofs)
    {
        switch (original, upgraded)
        {
            case (TorchZipCheckpoint before, TorchZipCheckpoint after):
                return TorchZipComparison.Compare(before, after, changes, dropped, log, proofs);
            case (TorchBefore16Checkpoint before, TorchBefore16Checkpoint after):
                return TorchBefore16Comparison.Compare(before, after, changes, log, proofs);
            case (SafetensorsCheckpoint before, SafetensorsCheckpoint after):
                return SafetensorsComparison.Compare(before, after, changes, log, proofs);
            default:
                log.Add("file", $"it is of the format {upgraded.Format}, expected {original.Format}");
                return null;
        }
    }
}
