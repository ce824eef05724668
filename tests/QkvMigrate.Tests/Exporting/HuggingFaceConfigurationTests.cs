using System.Text.Json;
using QkvMigrate.Checkpoints;
using QkvMigrate.Exporting;
using QkvMigrate.Running;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>The <c>config.json</c> beside a checkpoint: taken where it says the same as LitGPT's, and refused where not.</summary>
public sealed class HuggingFaceConfigurationTests
{
    private const string Whole = $"{ExportedFamilyTests.Outer}{ExportedFamilyTests.Gated}{ExportedFamilyTests.Normed}";

    private const string Right =
        """{"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 32, "bos_token_id": 7, "torch_dtype": "float32", "tie_word_embeddings": false}""";

    [Fact]
    public void One_that_agrees_comes_along_as_it_is()
    {
        using var model = new SmallModel("").With(Whole).Beside("config.json", Right).Beside("generation_config.json", "{ }").Write();
        Assert.Empty(model.Export().Advice);
        Assert.Equal(Right, File.ReadAllText(Path.Combine(model.Output, "config.json")));
        Assert.Equal("{ }", File.ReadAllText(Path.Combine(model.Output, "generation_config.json")));
    }

    [Theory]
    [InlineData("\"hidden_size\": 16", "\"hidden_size\": 32", "hidden_size is 32, expected 16")]
    [InlineData("\"num_key_value_heads\": 2, ", "", "num_key_value_heads is 4, expected 2")]
    [InlineData("\"num_key_value_heads\": 2", "\"num_key_value_heads\": null", "num_key_value_heads is 4, expected 2")]
    [InlineData("\"num_hidden_layers\": 1, ", "", "num_hidden_layers is null, expected 1")]
    [InlineData("\"vocab_size\": 32", "\"vocab_size\": 30", "vocab_size is 30, expected 32")]
    [InlineData("\"vocab_size\": 32", "\"vocab_size\": 32, \"head_dim\": 8", "head_dim is 8, expected 4")]
    [InlineData("\"vocab_size\": 32", "\"vocab_size\": 32, \"attention_bias\": true", "attention_bias is true, expected false")]
    [InlineData("\"llama\"", "\"gpt2\"", "model_type is \"gpt2\", expected llama or mistral")]
    public void One_that_contradicts_is_refused(string part, string wrong, string problem)
    {
        using var model = new SmallModel("").With(Whole).Beside("config.json", Right.Replace(part, wrong, StringComparison.Ordinal)).Write();
        var report = model.Export();
        Assert.Equal(CheckpointStatus.Refused, report.Status);
        Assert.Contains($"contradicts LitGPT's configuration: {problem}", report.Error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_element_type_and_a_head_of_its_own_are_written_into_it()
    {
        using var model = new SmallModel("").With(Whole).Beside("config.json", Right.Replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true", StringComparison.Ordinal)).Write();
        var report = model.Export(new ExportOptions { DType = DType.ByName("bfloat16") });
        Assert.Equal("config.json is the one beside the checkpoint, but for torch_dtype, which was \"float32\" and is \"bfloat16\" and tie_word_embeddings, which was true and is false", Assert.Single(report.Advice, advice => advice.Code == "config-changed").Message);
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(model.Output, "config.json")));
        Assert.Equal(("bfloat16", false, 7), (document.RootElement.GetProperty("torch_dtype").GetString(), document.RootElement.GetProperty("tie_word_embeddings").GetBoolean(), document.RootElement.GetProperty("bos_token_id").GetInt32()));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"model_type": "llama", "model_type": "llama"}""")]
    [InlineData("""{"model_type": "\ud800"}""")]
    [InlineData("""{"a": [{"\ud800": 1}]}""")]
    public void One_that_is_no_JSON_object_is_refused(string text)
    {
        using var model = new SmallModel("").With(Whole).Beside("config.json", text).Write();
        Assert.Contains("config.json: no JSON object", model.Export().Error?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"yes\"")]
    [InlineData("1")]
    [InlineData("[true]")]
    public void A_head_that_is_neither_tied_nor_its_own_is_refused(string said)
    {
        using var model = new SmallModel("").With(Whole).Beside("config.json", Right.Replace("\"tie_word_embeddings\": false", $"\"tie_word_embeddings\": {said}", StringComparison.Ordinal)).Write();
        Assert.Equal($"{Path.Combine(model.Source, "config.json")}: tie_word_embeddings is {said}, expected true or false", model.Export().Error?.Message);
    }

    /// <summary>A head that is left out would be made up of random numbers, were it not said to be the embedding.</summary>
    [Theory]
    [InlineData("Gemma-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true", "gemma", "\"tie_word_embeddings\": false", true)]
    [InlineData("Gemma-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true", "gemma", "\"use_cache\": true", false)]
    [InlineData("Gemma-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true", "gemma", "\"tie_word_embeddings\": null", false)]
    [InlineData("Gemma-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true", "gemma", "\"tie_word_embeddings\": true", false)]
    [InlineData("Phi-4-mini-instruct", "phi3", "\"tie_word_embeddings\": false", true)]
    [InlineData("Phi-4-mini-instruct", "phi3", "\"use_cache\": true", true)]
    [InlineData("Phi-4-mini-instruct", "phi3", "\"tie_word_embeddings\": true", false)]
    public void A_head_that_is_left_out_is_said_to_be_the_embedding(string name, string type, string said, bool isChanged)
    {
        var beside = Right.Replace("\"llama\"", $"\"{type}\"", StringComparison.Ordinal).Replace("\"tie_word_embeddings\": false", $"\"head_dim\": 4, {said}", StringComparison.Ordinal);
        using var model = new SmallModel($"name: {name}").With(Whole).Beside("config.json", beside).Write();
        var report = model.Export();
        Assert.True(report.Status == CheckpointStatus.Exported, report.Error?.Message);
        Assert.Equal(isChanged, report.Advice.Any(advice => advice.Code == "config-changed"));
        var path = Path.Combine(model.Output, "config.json");
        Assert.Equal(!isChanged, File.ReadAllText(path) == beside);
        Assert.Empty(Verify(model));
        if (isChanged)
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            Assert.True(document.RootElement.GetProperty("tie_word_embeddings").GetBoolean());
            File.WriteAllText(path, beside);
            Assert.Equal("file 'config.json'", Assert.Single(Verify(model)).Place);
        }
    }

    private static IReadOnlyList<Difference> Verify(SmallModel model)
    {
        var report = Assert.Single(PathVerifier.Run(model.Source, model.Output, new VerificationOptions { Mode = VerificationMode.Full }, TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        return report.Differences;
    }

    [Fact]
    public void A_dry_run_writes_nothing_and_says_what_it_would()
    {
        using var model = new SmallModel("").With(Whole).Write();
        var report = model.Export(dryRun: true);
        Assert.Equal(CheckpointStatus.Planned, report.Status);
        Assert.Equal("model.safetensors", Assert.Single(report.Export!.Files).Name);
        Assert.Equal(["config.json", "generation_config.json"], report.Export.Companions);
        Assert.False(Directory.Exists(model.Output));
    }
}
