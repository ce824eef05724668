using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Refuses files that may be right and cannot be proven: their pickles make other objects than the first file's, and not only
/// under new names. An optimizer may have been left out.
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
                "the second file is without it, as --drop-optimizer leaves it; verify it with that option, too");
        }

        MigrationException Unsupported(string where, string problem) => new(FailureKind.Unsupported, problem, original.Source.Path, where);
    }
}
