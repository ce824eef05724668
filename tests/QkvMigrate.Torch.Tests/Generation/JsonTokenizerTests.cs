using System.Text.Json.Nodes;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Generation;
using Xunit;

namespace QkvMigrate.Torch.Tests.Generation;

/// <summary>Token numbers are worked out by hand from the merges below, in their order.</summary>
public sealed class JsonTokenizerTests
{
    private static readonly string[] Vocabulary = ["h", "e", "l", "o", "Ġ", "w", "r", "d", "he", "ll", "hell", "hello", "Ġw", "or", "Ġwor", "Ċ", "Ã", "©", "Ã©", "<|end|>", "  ", "!", "<|end|>!"];

    private static readonly string[] Merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "Ã ©"];

    [Theory]
    [InlineData("hello world!", new[] { 11, 14, 2, 7, 21 })]
    [InlineData("hello hello", new[] { 11, 4, 11 })]
    [InlineData("hel\n", new[] { 8, 2, 15 })]
    [InlineData("é", new[] { 18 })]
    [InlineData("hello<|end|>hello", new[] { 11, 19, 11 })]
    [InlineData("hello<|end|>!", new[] { 11, 22 })]
    [InlineData("hello  world", new[] { 11, 20, 5, 13, 2, 7 })]
    [InlineData("", new int[0])]
    public void Text_becomes_tokens_and_text_again(string text, int[] tokens)
    {
        var tokenizer = Read(_ => { });
        Assert.Equal(tokens, tokenizer.Encode(text));
        Assert.Equal(text, tokenizer.Decode(tokens));
    }

    [Fact]
    public void Text_that_would_have_to_be_normalized_is_refused()
    {
        var tokenizer = Read(root => root["normalizer"] = Json("""{"type": "NFC"}"""));
        Assert.Equal([18], tokenizer.Encode("é"));
        Assert.Equal(
            "the prompt has U+0301, which normal form C may compose with others, and that is not followed here; give --tokens",
            Assert.Throws<MigrationException>(() => tokenizer.Encode("e\u0301")).Problem);
    }

    [Fact]
    public void Merges_can_be_pairs_and_words_can_be_cut_by_a_pattern()
    {
        var tokenizer = Read(root =>
        {
            root["model"]!["merges"] = new JsonArray([.. Merges.Select(merge => (JsonNode)new JsonArray([.. merge.Split(' ').Select(part => (JsonNode)part)]))]);
            root["pre_tokenizer"] = Json("""{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\\p{L}|[^\\p{L}]+"}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}""");
        });
        Assert.Equal([0, 1, 2, 2, 3, 4, 5], tokenizer.Encode("hello w"));
    }

    [Theory]
    [InlineData("""{"model": {"type": "Unigram"}}""", "model.type is Unigram, and only BPE is followed here; give --tokens")]
    [InlineData("""{"model": {"dropout": 0.1}}""", "model.dropout is not followed here; give --tokens")]
    [InlineData("""{"model": {"continuing_subword_prefix": "##"}}""", "model.continuing_subword_prefix is not followed here; give --tokens")]
    [InlineData("""{"model": {"end_of_word_suffix": "</w>"}}""", "model.end_of_word_suffix is not followed here; give --tokens")]
    [InlineData("""{"model": {"byte_fallback": true}}""", "model.byte_fallback is not followed here; give --tokens")]
    [InlineData("""{"model": {"ignore_merges": true}}""", "model.ignore_merges is not followed here; give --tokens")]
    [InlineData("""{"normalizer": {"type": "Lowercase"}}""", "normalizer is Lowercase, and only NFC is followed here; give --tokens")]
    [InlineData("""{"post_processor": {"type": "TemplateProcessing"}}""", "post_processor is TemplateProcessing, and only ByteLevel is followed here; give --tokens")]
    [InlineData("""{"added_tokens": [{"id": 19, "content": "x", "lstrip": true}]}""", "added_tokens with lstrip is not followed here; give --tokens")]
    [InlineData("""{"added_tokens": [{"id": 19, "content": "x", "rstrip": true}]}""", "added_tokens with rstrip is not followed here; give --tokens")]
    [InlineData("""{"added_tokens": [{"id": 19, "content": "x", "single_word": true}]}""", "added_tokens with single_word is not followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "Metaspace"}}""", "pre_tokenizer is Metaspace, and only ByteLevel is followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true}}""", "pre_tokenizer.add_prefix_space is not followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "ByteLevel", "use_regex": false}}""", "pre_tokenizer.use_regex False is not followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": []}}""", "pre_tokenizer of 0 steps is not followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]}}""", "pre_tokenizer is Digits, and only Split is followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Removed"}, {"type": "ByteLevel"}]}}""", "pre_tokenizer.behavior is Removed, and only Isolated is followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated", "invert": true}, {"type": "ByteLevel"}]}}""", "pre_tokenizer.invert is not followed here; give --tokens")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated"}, {"type": "ByteLevel"}]}}""", "pre_tokenizer.use_regex True is not followed here; give --tokens")]
    public void What_is_not_followed_to_the_letter_is_refused(string changes, string message) =>
        Refused(FailureKind.Unsupported, message, root => Merge(root, Json(changes).AsObject()));

    [Theory]
    [InlineData("""{"model": {"vocab": {"a": "x"}}}""")]
    [InlineData("""{"model": {"merges": [1]}}""")]
    [InlineData("""{"model": {"merges": ["he nothing"]}}""")]
    [InlineData("""{"pre_tokenizer": null}""")]
    [InlineData("""{"added_tokens": [{"content": "x"}]}""")]
    [InlineData("""{"added_tokens": [{"content": "x", "id": 1}, {"content": "x", "id": 2}]}""")]
    [InlineData("""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "("}}, {"type": "ByteLevel", "use_regex": false}]}}""")]
    public void What_breaks_the_format_is_refused(string changes) => Refused(FailureKind.Malformed, null, root => Merge(root, Json(changes).AsObject()));

    [Fact]
    public void Text_that_is_no_json_is_refused()
    {
        using var folder = new WorkFolder();
        var error = Assert.Throws<MigrationException>(() => JsonTokenizer.Read(folder.Write("tokenizer.json", "{")));
        Assert.Equal((FailureKind.Malformed, folder.At("tokenizer.json")), (error.Kind, error.File));
    }

    [Fact]
    public void Text_that_does_not_come_back_is_refused()
    {
        // No token has the byte of "x".
        var error = Assert.Throws<MigrationException>(() => Read(_ => { }).Encode("x"));
        Assert.Equal((FailureKind.Unsupported, "the tokens of the prompt do not give its text back; give --tokens"), (error.Kind, error.Problem));
    }

    [Fact]
    public void A_token_that_LitGPT_puts_before_prompts_is_refused()
    {
        using var folder = new WorkFolder();
        var path = folder.Write("tokenizer.json", Document().ToJsonString());
        folder.Write("tokenizer_config.json", """{"add_bos_token": false}""");
        Assert.Equal([11], JsonTokenizer.Read(path).Encode("hello"));

        var settings = folder.Write("tokenizer_config.json", """{"add_bos_token": true}""");
        Assert.Equal($"{settings}: add_bos_token is not followed here; give --tokens", Assert.Throws<MigrationException>(() => JsonTokenizer.Read(path)).Message);
        folder.Write("tokenizer_config.json", "{");
        Assert.Equal(FailureKind.Malformed, Assert.Throws<MigrationException>(() => JsonTokenizer.Read(path)).Kind);
    }

    private static JsonTokenizer Read(Action<JsonObject> change)
    {
        using var folder = new WorkFolder();
        var document = Document();
        change(document);
        return JsonTokenizer.Read(folder.Write("tokenizer.json", document.ToJsonString()));
    }

    private static void Refused(FailureKind kind, string? message, Action<JsonObject> change)
    {
        var error = Assert.Throws<MigrationException>(() => Read(change));
        Assert.Equal((kind, "tokenizer.json"), (error.Kind, Path.GetFileName(error.File)));
        Assert.Equal(message ?? error.Problem, error.Problem);
    }

    private static JsonObject Document() => new()
    {
        ["added_tokens"] = Json("""[{"id": 19, "content": "<|end|>", "special": true}, {"id": 20, "content": "  ", "normalized": true}, {"id": 22, "content": "<|end|>!"}]"""),
        ["normalizer"] = null,
        ["pre_tokenizer"] = Json("""{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}"""),
        ["post_processor"] = Json("""{"type": "ByteLevel"}"""),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["continuing_subword_prefix"] = "",
            ["vocab"] = new JsonObject(Vocabulary.Select((token, number) => KeyValuePair.Create(token, (JsonNode?)number))),
            ["merges"] = new JsonArray([.. Merges.Select(merge => (JsonNode)merge)]),
        },
    };

    private static JsonNode Json(string text) => JsonNode.Parse(text)!;

    private static void Merge(JsonObject target, JsonObject changes)
    {
        foreach (var (name, value) in changes)
        {
            if (value is JsonObject inner && target[name] is JsonObject existing && name == "model")
            {
                Merge(existing, inner);
            }
            else
            {
                target[name] = value?.DeepClone();
            }
        }
    }
}
