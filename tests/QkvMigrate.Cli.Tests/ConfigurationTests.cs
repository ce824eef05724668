using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>A directory's configuration comes out as one that today's LitGPT accepts; PyYAML reads it, as LitGPT does.</summary>
public sealed class ConfigurationTests(FixtureSet fixtures) : IDisposable
{
    // The fields of litgpt/config.py, Config, at LitGPT's head; it takes no other.
    private static readonly HashSet<string> FieldsOfLitGpt =
    [
        .. """
        name hf_config block_size n_layer n_embd vocab_size padding_multiple padded_vocab_size norm_class_name norm_eps
        norm_qk norm_qk_type post_attention_norm post_mlp_norm parallel_residual shared_attention_norm n_head head_size
        n_query_groups attn_bias attention_scores_scalar sliding_window_size sliding_window_indices
        attention_logit_softcapping rope_base rotary_percentage rope_condense_ratio rope_adjustments rope_interleave
        intermediate_size moe_intermediate_size bias mlp_class_name gelu_approximate n_expert n_shared_expert
        n_expert_groups n_topk_groups n_topk_scores_per_group n_expert_per_token first_k_dense_replace
        routed_scaling_factor norm_topk_prob scale_embeddings lm_head_bias final_logit_softcapping norm_1 norm_2
        latent_attention rope_local_base_freq rope_indices
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
    ];

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Org_and_name_of_2023_become_hf_config()
    {
        var after = Upgrade("lit-config-2023-06");
        Assert.Equal("pythia-fixture", after.Text("name"));
        Assert.Equal("pythia-fixture", after.GetProperty("hf_config").Text("name"));
        Assert.Equal("EleutherAI", after.GetProperty("hf_config").Text("org"));
        Assert.Equal(4, after.GetProperty("rope_condense_ratio").GetInt32());
        Assert.Equal("LayerNorm", after.Text("norm_class_name"));
        Assert.Equal("GptNeoxMLP", after.Text("mlp_class_name"));
        Assert.True(File.Exists(_folder.At("lit-config-2023-06-qkv", "lit_config.json")));
    }

    [Fact]
    public void Hf_config_of_2023_is_kept()
    {
        var after = Upgrade("lit-config-2023-10");
        Assert.Equal("EleutherAI", after.GetProperty("hf_config").Text("org"));
        Assert.Equal("LayerNorm", after.Text("norm_class_name"));
        Assert.Equal(2, after.GetProperty("n_query_groups").GetInt32());
    }

    [Theory]
    [InlineData("model-config-2024-03")]
    [InlineData("gqa-float32")]
    public void Nothing_else_changes_in_a_younger_one(string name)
    {
        var before = ReadYaml(Path.Combine(fixtures[name].Folder, "model_config.yaml"));
        var after = Upgrade(name);
        var expected = before.EnumerateObject().Where(field => field.Name != "sliding_window_layer_placing");
        Assert.Equal(expected.Select(field => field.ToString()), after.EnumerateObject().Select(field => field.ToString()));
    }

    [Fact]
    public void A_window_on_all_layers_needs_no_placing()
    {
        var after = Upgrade("sliding-window-all");
        Assert.Equal(8, after.GetProperty("sliding_window_size").GetInt32());
    }

    [Fact]
    public void An_interleaved_window_is_placed_by_layer()
    {
        var after = Upgrade("sliding-window-interleaved");
        Assert.Equal(8, after.GetProperty("sliding_window_size").GetInt32());
        Assert.Equal([1, 0, 1], after.GetProperty("sliding_window_indices").EnumerateArray().Select(index => index.GetInt32()));
    }

    [Fact]
    public void An_unknown_field_and_a_comment_are_kept_and_told()
    {
        const string Name = "unknown-configuration-field";
        var copy = _folder.Take(fixtures[Name].Folder);
        var run = Tool.Run("upgrade", copy, "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var upgraded = _folder.At(Name + "-qkv", "model_config.yaml");
        Assert.StartsWith("# tuned by hand\n", File.ReadAllText(upgraded), StringComparison.Ordinal);
        Assert.Equal("[1, 2]", ReadYaml(upgraded).GetProperty("my_own_field").GetRawText());
        var advice = JsonReport.OnlyCheckpoint(run).GetProperty("advice").EnumerateArray().Select(entry => entry.Text("message"));
        Assert.Contains(advice, message => message!.Contains("my_own_field", StringComparison.Ordinal));
    }

    private JsonElement Upgrade(string name)
    {
        var copy = _folder.Take(fixtures[name].Folder);
        var run = Tool.Run("upgrade", copy);
        Assert.True(run.ExitCode == 0, run.Error);
        var configuration = ReadYaml(_folder.At(name + "-qkv", "model_config.yaml"));
        Assert.Empty(configuration.EnumerateObject().Select(field => field.Name).Except(FieldsOfLitGpt));
        return configuration;
    }

    private static JsonElement ReadYaml(string file)
    {
        var read = PyTorch.Run("read_yaml.py", file);
        Assert.True(read.ExitCode == 0, read.Error);
        return JsonReport.Document(read)[0];
    }
}
