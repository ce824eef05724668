using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Holds what is around the storages of two files against each other, as their format has it, and pairs their regions.</summary>
internal static class FileStructure
{
    /// <summary>The regions whose bytes are still to be compared, in the order of the file; null where the files cannot be paired.</summary>
    public static IReadOnlyList<RegionPair>? Compare(Checkpoint original, Checkpoint upgraded, ExpectedChanges changes, DifferenceLog log)
    {
        if (original.Format != upgraded.Format)
        {
            log.Add("file", $"it is of the format {upgraded.Format}, expected {original.Format}");
            return null;
        }

        return original.Format switch
        {
            CheckpointFormat.TorchZip => ZipStructure.Compare(original, upgraded, changes, log),
            CheckpointFormat.TorchLegacy => LegacyStructure.Compare(original, upgraded, changes, log),
            _ => SafetensorsStructure.Compare(original, upgraded, changes, log),
        };
    }
}
