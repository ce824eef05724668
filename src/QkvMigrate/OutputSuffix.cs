namespace QkvMigrate;

/// <summary>What is put behind a source's name where the user names no output.</summary>
public static class OutputSuffix
{
    /// <summary>Behind that of an upgrade or a downgrade.</summary>
    public const string Migrated = "-qkv";

    /// <summary>Behind that of a LoRA which was merged into its base.</summary>
    public const string Merged = "-merged";

    /// <summary>Behind that of an export.</summary>
    public const string Exported = "-hf";
}
