using QkvMigrate.Configuration.Models;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Model;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

/// <summary>What a configuration must not have, each with its message.</summary>
public sealed class ModelConfigurationRefusalTests
{
    [Theory]
    [InlineData("latent_attention: {q_lora_rank: 8}", "line 1: the model here has no multi-head latent attention: field latent_attention is a mapping")]
    [InlineData("rope_local_base_freq: 10000", "line 1: the model here has no second rotary base for layers with local attention: field rope_local_base_freq is '10000'")]
    [InlineData("rope_indices: [0, 1]", "line 1: the model here has no choice of a rotary base for each layer: field rope_indices is a list")]
    [InlineData("rope_interleave: true", "line 1: the model here has no interleaved rotary embeddings: field rope_interleave is 'true'")]
    [InlineData("n_shared_expert: 1", "line 1: the model here has no shared experts: field n_shared_expert is '1'")]
    [InlineData("n_expert_groups: 2", "line 1: the model here has no groups of experts: field n_expert_groups is '2'")]
    [InlineData("first_k_dense_replace: 1", "line 1: the model here has no dense layers among layers of experts: field first_k_dense_replace is '1'")]
    [InlineData("routed_scaling_factor: 2.5", "line 1: the model here has no scaling of routed experts: field routed_scaling_factor is '2.5'")]
    [InlineData("rope_adjustments: {factor: 2, beta_fast: 1}", "line 1: the model here has no YaRN nor other stretching of rotations than Llama 3's and linear: field rope_adjustments has beta_fast")]
    [InlineData("bias: false\nmine: 1", "line 2: field mine is none of LitGPT's: what the model should do about it is not known")]
    [InlineData("parallel_residual: false\nshared_attention_norm: true", "shared_attention_norm needs parallel_residual, as in LitGPT")]
    [InlineData("post_mlp_norm: true", "post_mlp_norm with parallel_residual: LitGPT left the norm out before 2025 and applies it since, so what the model should do is not known")]
    [InlineData("head_size: 12", "rotary_percentage 0.25 of head_size 12 rotates 3 elements, expected an even number")]
    [InlineData("sliding_window_size: {a: [1]}", "line 1: field sliding_window_size is nested; LitGPT's configuration has plain values, lists and mappings of them")]
    [InlineData("a: &x 1\nb: *x", "line 1: the anchor '&x': no configuration of LitGPT's has it; write the plain value")]
    public void What_the_model_does_not_do_is_refused(string text, string message) => Refused(FailureKind.Unsupported, text, message);

    [Theory]
    [InlineData("- 1", "line 1: no mapping of fields to values")]
    [InlineData("n_layer: 1\nn_layer: 2", "line 2: field n_layer is given twice")]
    [InlineData("n_layer: 0", "line 1: field n_layer is '0', expected a whole number from 1 to 16777216")]
    [InlineData("n_layer: -1", "line 1: field n_layer is '-1', expected a whole number from 1 to 16777216")]
    [InlineData("n_layer: 16777217", "line 1: field n_layer is '16777217', expected a whole number from 1 to 16777216")]
    [InlineData("n_layer: [1]", "line 1: field n_layer is a list, expected a whole number from 1 to 16777216")]
    [InlineData("norm_eps: 0", "line 1: field norm_eps is '0', expected a number greater than 0")]
    [InlineData("norm_eps: .nan", "line 1: field norm_eps is '.nan', expected a number greater than 0")]
    [InlineData("rotary_percentage: 1.5", "line 1: field rotary_percentage is '1.5', expected a number from 0 to 1")]
    [InlineData("bias: 1", "line 1: field bias is '1', expected true or false")]
    [InlineData("norm_class_name: Norm", "line 1: field norm_class_name is 'Norm', expected LayerNorm or RMSNorm")]
    [InlineData("mlp_class_name: LLaMAMLP", "LLaMAMLP needs intermediate_size, which is not given")]
    [InlineData("mlp_class_name: LLaMAMoE\nn_expert: 2\nn_expert_per_token: 3", "LLaMAMoE with n_expert 2 and n_expert_per_token 3, expected at least as many experts as a token passes through, and one at least")]
    [InlineData("mlp_class_name: LLaMAMoE", "LLaMAMoE with n_expert null and n_expert_per_token null, expected at least as many experts as a token passes through, and one at least")]
    [InlineData("sliding_window_size: 2\nsliding_window_layer_placing: 3", "line 2: field sliding_window_layer_placing is '3', expected all or interleaved or 1 or 2")]
    [InlineData("sliding_window_size: 2\nn_layer: 3\nsliding_window_indices: [1, 0]", "line 3: field sliding_window_indices is a list, expected a list of 3 numbers, one a layer")]
    [InlineData("sliding_window_size: 2\nn_layer: 2\nsliding_window_indices: [1, 2]", "line 3: sliding_window_indices has '2', expected 0 or 1")]
    [InlineData("rope_adjustments: 2", "line 1: field rope_adjustments is '2', expected a mapping")]
    [InlineData("rope_adjustments: {factor: 2, low_freq_factor: 1}", "line 1: rope_adjustments has high_freq_factor missing, expected a number greater than 0")]
    [InlineData("rope_adjustments: {factor: x}", "line 1: rope_adjustments has factor 'x', expected a number greater than 0")]
    public void What_makes_no_sense_is_refused(string text, string message) => Refused(FailureKind.Malformed, text, message);

    [Theory]
    [InlineData("", "no YAML: ")]
    [InlineData("%TAG ! \n", "no YAML: ")]
    [InlineData("...\r\n!!int ", "no YAML: ")]
    public void What_is_no_YAML_is_refused(string text, string start)
    {
        var refused = Assert.Throws<MigrationException>(() => ModelConfigurationReader.Parse(text));
        Assert.Contains(start, refused.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Malformed, refused.Kind);
    }

    [Fact]
    public void A_file_of_megabytes_is_refused()
    {
        using var folder = new WorkFolder();
        var path = folder.Write("model_config.yaml", "n_layer: 1\n".PadRight((4 << 20) + 1, '#'));
        Assert.Equal($"{path}: 4194305 bytes are more than the 4194304 that a configuration may have", Assert.Throws<MigrationException>(() => ModelConfigurationReader.Read(path)).Message);
    }

    [Theory]
    [InlineData("n_embd: 33", "n_embd 33 is not a multiple of n_head 32, and head_size is not given")]
    [InlineData("n_query_groups: 3", "n_head 32 is not a multiple of n_query_groups 3")]
    public void A_geometry_that_is_none_is_refused(string text, string message) => Refused(FailureKind.Geometry, text, message);

    [Fact]
    public void What_asks_for_nothing_is_no_reason_to_refuse() => Assert.Equal(
        new ModelConfiguration(),
        ModelConfigurationReader.Parse(
            """
            latent_attention: null
            rope_interleave: false
            n_shared_expert: 0
            n_expert: 0
            n_expert_per_token: 0
            routed_scaling_factor: 1.0
            norm_topk_prob: true
            n_topk_groups: 4
            mine: null
            """));

    [Fact]
    public void Text_that_is_no_yaml_is_refused()
    {
        var error = Assert.Throws<MigrationException>(() => ModelConfigurationReader.Parse("a: [1"));
        Assert.Equal(FailureKind.Malformed, error.Kind);
        Assert.StartsWith("no YAML: ", error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_costs_nothing()
    {
        var error = Assert.Throws<MigrationException>(() => ModelConfigurationReader.Parse($"a: {new string('[', 1_000_000)}"));
        Assert.Equal("line 1: an alias, or a value nested too deeply or too long for a configuration", error.Message);
    }

    [Fact]
    public void The_file_is_named()
    {
        using var folder = new WorkFolder();
        var path = folder.Write("model_config.yaml", "n_layer: x");
        Assert.Equal($"{path}: line 1: field n_layer is 'x', expected a whole number from 1 to 16777216", Assert.Throws<MigrationException>(() => ModelConfigurationReader.Find(folder.At())).Message);
    }

    [Fact]
    public void A_huge_file_is_not_read()
    {
        using var folder = new WorkFolder();
        var path = folder.Write("model_config.yaml", new string('#', (4 << 20) + 1));
        Assert.Equal($"{path}: 4194305 bytes are more than the 4194304 that a configuration may have", Assert.Throws<MigrationException>(() => ModelConfigurationReader.Read(path)).Message);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_told()
    {
        using var folder = new WorkFolder();
        Assert.Equal(FailureKind.Io, Assert.Throws<MigrationException>(() => ModelConfigurationReader.Read(folder.At("none"))).Kind);
    }

    private static void Refused(FailureKind kind, string text, string message)
    {
        var error = Assert.Throws<MigrationException>(() => ModelConfigurationReader.Parse(text));
        Assert.Equal((kind, message), (error.Kind, error.Message));
    }
}
