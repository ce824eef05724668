using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Refuses files that may be right and cannot be proven: their pickles make other objects than the first file's, and not only
/// under new names. A tensor may have left a storage that it shared; an optimizer may have been left out.
/// </summary>
internal static class UnprovableFiles
{
    /// <summary>Refuses to judge such a file.</summary>
    /// <exception cref="MigrationException">The second file is one.</exception>
    public static void Refuse(Checkpoint original, Checkpoint upgraded)
    {
        foreach (var optimizer in original.Optimizers.Where(optimizer => upgraded.Optimizers.All(other => other.Path != optimizer.Path)))
        {
            throw Unsupported(
                $"optimizer state '{optimizer.Path}'",
                "the second file is without it, as --drop-optimizer leaves it; such a file is not verified");
        }

        var uses = original.Tensors.CountBy(tensor => tensor.Storage).ToDictionary();
        var keys = uses.Keys.Select(storage => storage.Key).ToHashSet();
        foreach (var (before, after) in original.Tensors.Zip(upgraded.Tensors))
        {
            var isAlone = !keys.Contains(after.Storage.Key) && after is { StorageOffset: 0 } && after.Storage.Length == before.Extent;
            if (isAlone && IsFused(before) && (uses[before.Storage] > 1 || original.OpaqueStorages.Contains(before.Storage)))
            {
                throw Unsupported(
                    $"tensor '{before.Label}'",
                    "it shares its bytes in the first file and has a storage of its own in the second; such a file is not verified");
            }
        }

        MigrationException Unsupported(string where, string problem) => new(FailureKind.Unsupported, problem, original.Source.Path, where);
    }

    /// <summary>Only a tensor whose rows move may leave its storage. Where another one does, a tie broke.</summary>
    private static bool IsFused(TensorEntry tensor) =>
        tensor.Name is { Text: var name } && FusedName.IsIn(name);
}
