using System.Text.Json;
using System.Text.RegularExpressions;
using QkvMigrate.Files;

namespace QkvMigrate.Torch.Generation;

/// <summary>
/// What a Hugging Face <c>tokenizer.json</c> says (huggingface/tokenizers, <c>tokenizers/src/tokenizer/serialization.rs</c>),
/// as far as it is byte-level BPE without extras; the rest is refused by name, since a tokenizer that is followed almost
/// to the letter gives wrong tokens without a sign.
/// </summary>
/// <param name="Vocabulary">Tokens and their numbers.</param>
/// <param name="Merges">Pairs with a space between them, the first ones merged first.</param>
/// <param name="AddedTokens">Tokens that are cut out of the text before anything else.</param>
/// <param name="Pattern">What cuts the text into words.</param>
/// <param name="IsNormalized">Whether the text is brought into Unicode's normal form C first.</param>
internal sealed record TokenizerJson(
    IReadOnlyDictionary<string, int> Vocabulary,
    IReadOnlyList<string> Merges,
    IReadOnlyDictionary<string, int> AddedTokens,
    Regex Pattern,
    bool IsNormalized)
{
    /// <summary>Bytes of the largest file that is read; Qwen's, one of the largest, has 7 MB.</summary>
    internal const int MaximumBytes = 1 << 26;

    /// <summary>GPT-2's words (huggingface/tokenizers, <c>pre_tokenizers/byte_level.rs</c>).</summary>
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>A pattern from a file gets so long for one text before it is given up.</summary>
    private static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Reads the file at <paramref name="path"/>.</summary>
    /// <exception cref="MigrationException">It cannot be read, breaks the format, or is something else than byte-level BPE.</exception>
    public static TokenizerJson Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(SourceFile.ReadAll(path, MaximumBytes, "a tokenizer"));
            return Parse(document.RootElement);
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or RegexParseException)
        {
            // The last four are what JsonElement and Regex throw where the file has another shape than its format.
            throw new MigrationException(FailureKind.Malformed, $"no tokenizer of the Hugging Face format: {error.Message}", path, inner: error);
        }
    }

    private static TokenizerJson Parse(JsonElement root)
    {
        var model = root.GetProperty("model");
        Expect(model, "model.type", "type", "BPE");
        foreach (var name in new[] { "dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges" })
        {
            if (IsSet(model, name))
            {
                throw Unsupported($"model.{name}");
            }
        }

        if (IsSet(root, "post_processor"))
        {
            Expect(root.GetProperty("post_processor"), "post_processor", "type", "ByteLevel");
        }

        var isNormalized = IsSet(root, "normalizer");
        if (isNormalized)
        {
            Expect(root.GetProperty("normalizer"), "normalizer", "type", "NFC");
        }

        return new TokenizerJson(
            model.GetProperty("vocab").EnumerateObject().ToDictionary(token => token.Name, token => token.Value.GetInt32()),
            [.. model.GetProperty("merges").EnumerateArray().Select(Merge)],
            IsSet(root, "added_tokens")
                ? root.GetProperty("added_tokens").EnumerateArray().ToDictionary(AddedToken, token => token.GetProperty("id").GetInt32())
                : new Dictionary<string, int>(),
            new Regex(Words(root), RegexOptions.None, PatternTimeout),
            isNormalized);
    }

    /// <summary>A merge is <c>"a b"</c>, in newer files <c>["a", "b"]</c>.</summary>
    private static string Merge(JsonElement merge) =>
        merge.ValueKind == JsonValueKind.Array ? string.Join(' ', merge.EnumerateArray().Select(part => part.GetString())) : merge.GetString()!;

    private static string AddedToken(JsonElement token)
    {
        foreach (var name in new[] { "lstrip", "rstrip", "single_word" })
        {
            if (IsSet(token, name))
            {
                throw Unsupported($"added_tokens with {name}");
            }
        }

        return token.GetProperty("content").GetString()!;
    }

    private static string Words(JsonElement root)
    {
        var first = root.GetProperty("pre_tokenizer");
        if (first.GetProperty("type").GetString() != "Sequence")
        {
            CheckByteLevel(first, splits: true);
            return Gpt2Pattern;
        }

        var steps = first.GetProperty("pretokenizers").EnumerateArray().ToList();
        if (steps is not [var split, var bytes])
        {
            throw Unsupported($"pre_tokenizer of {steps.Count} steps");
        }

        Expect(split, "pre_tokenizer", "type", "Split");
        Expect(split, "pre_tokenizer.behavior", "behavior", "Isolated");
        if (IsSet(split, "invert"))
        {
            throw Unsupported("pre_tokenizer.invert");
        }

        CheckByteLevel(bytes, splits: false);
        return split.GetProperty("pattern").GetProperty("Regex").GetString()!;
    }

    /// <summary>Checks a ByteLevel step, which splits into words by GPT-2's pattern or leaves that to the step before.</summary>
    private static void CheckByteLevel(JsonElement step, bool splits)
    {
        Expect(step, "pre_tokenizer", "type", "ByteLevel");
        if (IsSet(step, "add_prefix_space"))
        {
            throw Unsupported("pre_tokenizer.add_prefix_space");
        }

        // Missing means true.
        var splitsItself = !step.TryGetProperty("use_regex", out var value) || value.GetBoolean();
        if (splitsItself != splits)
        {
            throw Unsupported($"pre_tokenizer.use_regex {splitsItself}");
        }
    }

    private static bool IsSet(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value)
            && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False)
            && !(value.ValueKind == JsonValueKind.String && value.GetString() is "");

    private static void Expect(JsonElement parent, string label, string name, string expected)
    {
        if (parent.GetProperty(name).GetString() is var found && found != expected)
        {
            throw new MigrationException(FailureKind.Unsupported, $"{label} is {found}, and only {expected} is followed here; give --tokens");
        }
    }

    private static MigrationException Unsupported(string feature) =>
        new(FailureKind.Unsupported, $"{feature} is not followed here; give --tokens");
}
