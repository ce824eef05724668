using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Safetensors;
using QkvMigrate.Checkpoints.TorchLegacy;
using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>Holds what is around the storages of two files against each other, as their format has it, and pairs their regions.</summary>
internal static class FileStructure
{
    /// <summary>The regions whose bytes are still to be compared, in the order of the file; null where the files cannot be paired.</summary>
    public static IReadOnlyList<RegionPair>? Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        switch (original, upgraded)
        {
            case (TorchZipCheckpoint before, TorchZipCheckpoint after):
                return ZipStructure.Compare(before, after, changes, log);
            case (TorchLegacyCheckpoint before, TorchLegacyCheckpoint after):
                return LegacyStructure.Compare(before, after, changes, log);
            case (SafetensorsCheckpoint before, SafetensorsCheckpoint after):
                return SafetensorsStructure.Compare(before, after, changes, log);
            default:
                log.Add("file", $"it is of the format {upgraded.Format}, expected {original.Format}");
                return null;
        }
    }
}
