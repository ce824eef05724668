using System.Text.Json;
using QkvMigrate.Files;

namespace QkvMigrate.Configuration;

/// <summary>
/// The numbers of special tokens in a tokenizer's files: <c>tokenizer_config.json</c> names them, and numbers them itself since 2023-09
/// (<c>added_tokens_decoder</c>); before, <c>tokenizer.json</c> does (<c>added_tokens</c>).
/// </summary>
internal static class TokenizerTokens
{
    private const string ConfigurationName = "tokenizer_config.json";
    private const string TokenizerName = "tokenizer.json";
    private const string Content = "content";
    private const int MaximumBytes = 4 << 20;
    private const int BlockBytes = 64 << 10;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16 };

    /// <summary>The number of a token, or null where the files do not say it, or cannot be read.</summary>
    /// <param name="directory">Where they lie.</param>
    /// <param name="token"><c>bos_token</c>, <c>eos_token</c> or <c>pad_token</c>.</param>
    /// <param name="count">How many tokens the model knows; a number beyond is none of its.</param>
    public static long? Number(string directory, string token, long count)
    {
        try
        {
            var number = Read(Path.Combine(directory, ConfigurationName), token) is not { Text: { } text } named ? null
                : named.Number ?? Added(Path.Combine(directory, TokenizerName), text);
            return number >= 0 && number < count ? number : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or MigrationException)
        {
            return null;
        }
    }

    /// <summary>A token's text and its number, as far as the configuration says them.</summary>
    private static (string? Text, long? Number) Read(string path, string token)
    {
        if (!File.Exists(path))
        {
            return default;
        }

        using var document = JsonDocument.Parse(SourceFile.ReadAll(path, MaximumBytes, "a tokenizer's configuration"), Options);
        var root = document.RootElement;
        if (!root.TryGetProperty(token, out var named))
        {
            return default;
        }

        var text = Text(named);
        return (text, text is not null && root.TryGetProperty("added_tokens_decoder", out var added) ? NumberIn(added, text) : null);
    }

    private static long? NumberIn(JsonElement added, string text)
    {
        foreach (var entry in added.EnumerateObject())
        {
            if (Text(entry.Value) == text && long.TryParse(entry.Name, out var number))
            {
                return number;
            }
        }

        return null;
    }

    /// <summary>A token is its text, or an object that has it.</summary>
    private static string? Text(JsonElement token) => token.ValueKind switch
    {
        JsonValueKind.String => token.GetString(),
        JsonValueKind.Object when token.TryGetProperty(Content, out var content) && content.ValueKind == JsonValueKind.String => content.GetString(),
        _ => null,
    };

    /// <summary>The number of an added token. They stand before the vocabulary, which may be large and is not read.</summary>
    private static long? Added(string path, string text)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = SourceFile.Open(path);
        var block = new byte[BlockBytes];
        var (state, at, kept, search) = (default(JsonReaderState), 0L, 0, new AddedTokenSearch(text));
        while (true)
        {
            var read = (int)Math.Min(block.Length - kept, file.Length - at);
            file.Read(at, block.AsSpan(kept, read));
            at += read;
            var reader = new Utf8JsonReader(block.AsSpan(0, kept + read), isFinalBlock: at == file.Length, state);
            while (reader.Read())
            {
                if (search.IsOver(ref reader))
                {
                    return search.Number;
                }
            }

            kept += read - (int)reader.BytesConsumed;
            if (at == file.Length || kept == block.Length)
            {
                return null;
            }

            block.AsSpan((int)reader.BytesConsumed, kept).CopyTo(block);
            state = reader.CurrentState;
        }
    }

    /// <summary>Looks for an object <c>{"id": …, "content": …}</c> in the list <c>added_tokens</c> of a document that passes by.</summary>
    private sealed class AddedTokenSearch(string text)
    {
        private const int Inside = 2;
        private string? list;
        private string? field;
        private long? id;
        private bool isIt;

        public long? Number { get; private set; }

        /// <summary>Takes the next token; true where the answer is known.</summary>
        public bool IsOver(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                (list, field) = reader.CurrentDepth == 1 ? (reader.GetString(), null) : (list, reader.CurrentDepth == Inside + 1 ? reader.GetString() : field);
                return false;
            }

            if (list != "added_tokens")
            {
                return false;
            }

            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject when reader.CurrentDepth == Inside:
                    (id, isIt) = (null, false);
                    break;
                case JsonTokenType.Number when field == "id" && reader.CurrentDepth == Inside + 1:
                    id = reader.TryGetInt64(out var number) ? number : null;
                    break;
                case JsonTokenType.String when field == Content && reader.CurrentDepth == Inside + 1:
                    isIt = reader.ValueTextEquals(text);
                    break;
                case JsonTokenType.EndObject when reader.CurrentDepth == Inside && isIt:
                    Number = id;
                    return true;
                case JsonTokenType.EndArray when reader.CurrentDepth == 1:
                    return true;
            }

            return false;
        }
    }
}
