using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Refuses files that may be right and are not proven unless the user says what was done: an optimizer may have been left out.
/// </summary>
internal static class UnprovableFiles
{
    /// <summary>Refuses to judge such a file.</summary>
    /// <exception cref="MigrationException">The second file is one.</exception>
    public static void Refuse(Checkpoint original, Checkpoint upgraded)
    {
        if (original.Optimizers.FirstOrDefault(optimizer => upgraded.Optimizers.All(other => other.Path != optimizer.Path)) is { } optimizer)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "the second file is without it, as --drop-optimizer leaves it; verify it with that option, too",
                original.Source.Path,
                $"optimizer state '{optimizer.Path}'");
        }
    }
}
