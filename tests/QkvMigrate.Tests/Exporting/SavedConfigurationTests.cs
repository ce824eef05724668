using QkvMigrate.Configuration.Models;
using QkvMigrate.Exporting;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>A configuration as LitGPT saves it: with every field of its <c>Config</c>, most at their defaults (litgpt/config.py at its head of 2026-06).</summary>
public sealed class SavedConfigurationTests
{
    private const string AtDefaults = """
        hf_config: {}
        padding_multiple: 512
        norm_qk: false
        norm_qk_type: default
        post_attention_norm: false
        post_mlp_norm: false
        shared_attention_norm: false
        attn_bias: false
        attention_scores_scalar: null
        sliding_window_size: null
        sliding_window_indices: null
        attention_logit_softcapping: null
        rope_condense_ratio: 1
        rope_adjustments: null
        rope_interleave: false
        moe_intermediate_size: null
        gelu_approximate: none
        n_expert: 0
        n_shared_expert: null
        n_expert_groups: null
        n_topk_groups: null
        n_topk_scores_per_group: null
        n_expert_per_token: 0
        first_k_dense_replace: null
        routed_scaling_factor: 1.0
        norm_topk_prob: false
        scale_embeddings: false
        lm_head_bias: false
        final_logit_softcapping: null
        norm_1: true
        norm_2: true
        latent_attention: null
        rope_local_base_freq: null
        rope_indices: null
        """;

    [Theory]
    [InlineData("", "llama")]
    [InlineData("mlp_class_name: LLaMAMoE\nn_expert: 4\nn_expert_per_token: 2", "mixtral")]
    [InlineData("mlp_class_name: LLaMAMoE\nn_expert: 4\nn_expert_per_token: 2\nnorm_qk: true\nnorm_topk_prob: true\nmoe_intermediate_size: 8", "qwen3-moe")]
    [InlineData("sliding_window_size: 8\nsliding_window_indices: [1]", "mistral")]
    public void Every_field_of_it_is_understood(string own, string family)
    {
        var given = own.Split('\n').Select(line => line.Split(':')[0]).ToHashSet(StringComparer.Ordinal);
        var others = AtDefaults.Split('\n').Select(line => line.Trim()).Where(line => !given.Contains(line.Split(':')[0]));
        var text = SmallModel.Configuration($"{own}\n{string.Join('\n', others)}");
        Assert.Equal(family, ModelFamilies.Of(ModelFields.Parse(text, ExportedFeatures.Refuse)).Name);
    }
}
