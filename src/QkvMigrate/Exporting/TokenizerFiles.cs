namespace QkvMigrate.Exporting;

/// <summary>The files beside a checkpoint that Hugging Face's libraries read as they are.</summary>
internal static class TokenizerFiles
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "vocab.txt",
        "merges.txt",
        "tekken.json",
        "chat_template.json",
        "chat_template.jinja",
    };

    /// <summary>Whether a file of this name is one.</summary>
    public static bool Are(string name) => Names.Contains(name);
}
