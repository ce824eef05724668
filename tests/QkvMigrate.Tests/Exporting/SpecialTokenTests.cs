using System.Text.Json.Nodes;
using QkvMigrate.Running;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>The numbers of special tokens in a <c>config.json</c> that is made: where they come from, and which come first.</summary>
public sealed class SpecialTokenTests
{
    private const string Whole = $"{ExportedFamilyTests.Outer}{ExportedFamilyTests.Gated}{ExportedFamilyTests.Normed}";
    private const string Unnumbered = """{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null}""";
    private const string Numbered = """{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": "<pad>", "added_tokens_decoder": {"0": {"content": "<unk>"}, "1": {"content": "<s>"}, "31": {"content": "</s>"}, "32": {"content": "<pad>"}}}""";
    private const string Tokenizer = """{"version": "1.0", "truncation": {"added_tokens": [{"id": 9, "content": "<s>"}]}, "added_tokens": [{"id": 3, "content": "<unk>", "special": true}, {"id": 4, "special": true, "content": "<s>"}, {"content": "</s>", "id": 5}], "model": {"vocab": {"<s>": 8}}}""";

    [Theory]
    [InlineData(null, null, null, "null", "null", "null")]
    [InlineData("""{"bos_token_id": 1, "eos_token_id": [2, 3]}""", null, null, "1", "[2,3]", "null")]
    [InlineData("""{"bos_token_id": 1, "eos_token_id": [2, 3]}""", Numbered, null, "1", "[2,3]", "null")]
    [InlineData("""{"bos_token_id": "1", "eos_token_id": ["2"]}""", Numbered, null, "1", "31", "null")]
    [InlineData("""{"bos_token_id": 7,""", Numbered, null, "1", "31", "null")]
    [InlineData(null, Numbered, Tokenizer, "1", "31", "null")]
    [InlineData(null, Unnumbered, Tokenizer, "4", "5", "null")]
    [InlineData(null, Unnumbered, null, "null", "null", "null")]
    [InlineData(null, Unnumbered, """{"added_tokens": [{"id": 3, "content": "<unk>"}], "model": {"added_tokens": [{"id": 4, "content": "<s>"}]}}""", "null", "null", "null")]
    [InlineData(null, Unnumbered, """{"added_tokens": [{"id": 3.5, "content": "<s>"}, {"id": -1, "content": "</s>"}]}""", "null", "null", "null")]
    [InlineData(null, Unnumbered, """{"added_tokens": [{"id": 3,""", "null", "null", "null")]
    [InlineData(null, "[1]", Tokenizer, "null", "null", "null")]
    [InlineData(null, """{"bos_token": 5, "eos_token": "\ud800"}""", Tokenizer, "null", "null", "null")]
    public void They_are_those_that_a_file_beside_the_checkpoint_says(string? generation, string? configuration, string? tokenizer, string bos, string eos, string pad)
    {
        using var model = new SmallModel("").With(Whole).Write();
        foreach (var (name, text) in new[] { ("generation_config.json", generation), ("tokenizer_config.json", configuration), ("tokenizer.json", tokenizer) })
        {
            if (text is not null)
            {
                model.Beside(name, text);
            }
        }

        var report = model.Export();
        Assert.True(report.Status == CheckpointStatus.Exported, report.Error?.Message);
        var made = Read(model, "config.json");
        Assert.Equal((bos, eos, pad), (Text(made, "bos_token_id"), Text(made, "eos_token_id"), Text(made, "pad_token_id")));
        var unknown = new[] { ("bos_token_id", bos), ("eos_token_id", eos), ("pad_token_id", pad) }.Where(token => token.Item2 == "null").Select(token => token.Item1);
        Assert.EndsWith($"; no file beside the checkpoint says {string.Join(", ", unknown)}", Assert.Single(report.Advice).Message, StringComparison.Ordinal);
        if (generation is null)
        {
            var copied = Read(model, "generation_config.json");
            Assert.Equal((bos, eos, pad), (Text(copied, "bos_token_id"), Text(copied, "eos_token_id"), Text(copied, "pad_token_id")));
        }

        Assert.Empty(Verify(model));
        File.WriteAllText(Path.Combine(model.Output, "config.json"), made.ToJsonString().Replace($"\"bos_token_id\":{bos}", "\"bos_token_id\":6", StringComparison.Ordinal));
        Assert.NotEmpty(Verify(model));
    }

    [Fact]
    public void An_added_token_is_found_behind_many_others()
    {
        var others = string.Join(", ", Enumerable.Range(0, 5000).Select(i => $$"""{"id": {{i + 100}}, "content": "<extra {{i}}>", "special": false}"""));
        using var model = new SmallModel("").With(Whole).Beside("tokenizer_config.json", Unnumbered)
            .Beside("tokenizer.json", $$"""{"added_tokens": [{{others}}, {"id": 30, "content": "<s>"}], "model": 1}""").Write();
        model.Export();
        Assert.Equal("30", Text(Read(model, "config.json"), "bos_token_id"));
    }

    private static IReadOnlyList<Difference> Verify(SmallModel model)
    {
        var report = Assert.Single(PathVerifier.Run(model.Source, model.Output, new VerificationOptions { Mode = VerificationMode.Full }, TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        return report.Differences;
    }

    private static JsonObject Read(SmallModel model, string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(model.Output, name)))!.AsObject();

    private static string Text(JsonObject document, string field) => document[field]?.ToJsonString() ?? "null";
}
