namespace QkvMigrate.Verification;

/// <summary>
/// The name of a fused attention module in a key or module path: <c>attn.attn</c> before pull request #1013,
/// <c>attn.qkv</c> since (litgpt/model.py, <c>CausalSelfAttention</c>, within the block's <c>attn</c>).
/// </summary>
/// <param name="Prefix">The components before it.</param>
/// <param name="IsLegacy">Whether it is the old name.</param>
/// <param name="Suffix">The components behind it; empty where the path is the module's own.</param>
internal sealed record FusedName(string Prefix, bool IsLegacy, string Suffix)
{
    private const string Block = "attn";
    private const string Legacy = "attn";
    private const string Current = "qkv";

    /// <summary>Finds the module of the given age in <paramref name="path"/>, the last one where there are several; null where there is none.</summary>
    public static FusedName? Find(string path, bool legacy)
    {
        var text = path.AsSpan();
        for (var end = text.Length; ;)
        {
            var start = text[..end].LastIndexOf('.') + 1;
            if (start == 0)
            {
                return null;
            }

            var blockEnd = start - 1;
            var blockStart = text[..blockEnd].LastIndexOf('.') + 1;
            if (text[blockStart..blockEnd].SequenceEqual(Block) && text[start..end].SequenceEqual(legacy ? Legacy : Current))
            {
                return new FusedName(path[..Math.Max(blockStart - 1, 0)], legacy, path[Math.Min(end + 1, path.Length)..]);
            }

            end = blockEnd;
        }
    }

    /// <summary>The path as it must be after a migration, which is <paramref name="path"/> itself where it names no module that changes.</summary>
    public static string After(string path, MigrationDirection direction) =>
        Find(path, direction == MigrationDirection.Upgrade) is { } name
            ? string.Join('.', new[] { name.Prefix, Block, name.IsLegacy ? Current : Legacy, name.Suffix }.Where(part => part.Length > 0))
            : path;
}
