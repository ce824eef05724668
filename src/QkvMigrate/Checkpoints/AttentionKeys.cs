namespace QkvMigrate.Checkpoints;

/// <summary>
/// Which keys are worth a look where no tensor stands under them: those that speak of attention, whatever a model calls it,
/// and the flat parameters in which FSDP keeps it. A sieve, not a verdict: what the names mean is known elsewhere.
/// </summary>
internal static class AttentionKeys
{
    private static readonly string[] Parts = ["attn", "attention", "qkv", "flat_param"];

    /// <summary>Whether <paramref name="key"/> is one of them.</summary>
    public static bool Speaks(string key)
    {
        foreach (var part in Parts)
        {
            if (key.Contains(part, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
