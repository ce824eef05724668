namespace QkvMigrate.Checkpoints;

/// <summary>
/// Selects the keys that matter even where their value is no tensor: those that mention attention, by any of its names, and
/// FSDP's flat parameters. It is a coarse filter; the layout families say what a name means.
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
