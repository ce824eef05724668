using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using QkvMigrate.Files;

namespace QkvMigrate.Torch.Generation;

/// <summary>A byte-level BPE tokenizer from a <c>tokenizer.json</c>.</summary>
internal sealed class JsonTokenizer : IPromptTokenizer
{
    /// <summary>
    /// Text of characters before this one is in Unicode's normal form C as it is (UAX #15, quick check). This program runs
    /// in .NET's invariant mode, in which <c>string.Normalize</c> does nothing, without a word.
    /// </summary>
    private const char FirstThatMayCombine = '\u0300';

    private readonly BpeTokenizer tokenizer;
    private readonly string path;
    private readonly bool isNormalized;

    private JsonTokenizer(TokenizerJson json, string path)
    {
        this.path = path;
        isNormalized = json.IsNormalized;

        // Of two added tokens at one place, Hugging Face takes the longer one; alternatives of a .NET pattern are tried in order.
        var added = json.AddedTokens.OrderByDescending(token => token.Key.Length).ToDictionary();
        tokenizer = BpeTokenizer.Create(new BpeOptions(json.Vocabulary)
        {
            Merges = json.Merges,
            ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(json.Pattern, added),
            SpecialTokens = added,
        });
    }

    /// <summary>Reads the tokenizer at <paramref name="path"/>.</summary>
    /// <exception cref="MigrationException">It cannot be read, or does something that is not followed here.</exception>
    public static JsonTokenizer Read(string path)
    {
        RefuseBeginning(path);
        try
        {
            return new JsonTokenizer(TokenizerJson.Read(path), path);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or FormatException)
        {
            throw new MigrationException(FailureKind.Malformed, $"no tokenizer that holds together: {error.Message}", path, inner: error);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="MigrationException">
    /// The text has to be normalized, or its tokens do not give it back, so that something in the file is not followed.
    /// </exception>
    public IReadOnlyList<int> Encode(string text)
    {
        if (isNormalized && text.FirstOrDefault(letter => letter >= FirstThatMayCombine) is > '\0' and var found)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"the prompt has U+{(int)found:X4}, which normal form C may compose with others, and that is not followed here; give --tokens",
                path);
        }

        try
        {
            var tokens = tokenizer.EncodeToIds(text);
            return Decode(tokens) == text
                ? tokens
                : throw new MigrationException(FailureKind.Unsupported, "the tokens of the prompt do not give its text back; give --tokens", path);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"the pattern that cuts text into words takes more than {error.MatchTimeout.TotalSeconds} s; give --tokens",
                path,
                inner: error);
        }
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokens) => tokenizer.Decode(tokens, considerSpecialTokens: true) ?? "";

    /// <summary>
    /// LitGPT puts a token before each prompt where <c>tokenizer_config.json</c> says so (litgpt/tokenizer.py,
    /// <c>check_if_bos_token_used</c>).
    /// </summary>
    private static void RefuseBeginning(string path)
    {
        var settings = Path.Combine(Path.GetDirectoryName(path)!, "tokenizer_config.json");
        try
        {
            using var document = File.Exists(settings) ? JsonDocument.Parse(SourceFile.ReadAll(settings, TokenizerJson.MaximumBytes, "a tokenizer")) : null;
            if (document?.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("add_bos_token", out var value)
                && value.ValueKind == JsonValueKind.True)
            {
                throw new MigrationException(FailureKind.Unsupported, "add_bos_token is not followed here; give --tokens", settings);
            }
        }
        catch (JsonException error)
        {
            throw new MigrationException(FailureKind.Malformed, $"no JSON: {error.Message}", settings, inner: error);
        }
    }
}
