namespace QkvMigrate;

/// <summary>Which way a checkpoint is rewritten.</summary>
public enum MigrationDirection
{
    /// <summary>From interleaved rows under <c>attn.attn</c> to sequential rows under <c>attn.qkv</c>.</summary>
    Upgrade,

    /// <summary>The inverse, for those who must go back to LitGPT before 0.5.4.</summary>
    Downgrade,
}
