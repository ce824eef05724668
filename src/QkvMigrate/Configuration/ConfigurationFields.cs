namespace QkvMigrate.Configuration;

/// <summary>What a field of an old configuration became.</summary>
/// <param name="Name">The field's name then.</param>
/// <param name="NewName">Its name now.</param>
/// <param name="Since">When the name changed.</param>
internal sealed record RenamedField(string Name, string NewName, string Since);

/// <summary>The fields of LitGPT's configuration, over the years. Data, not branches.</summary>
internal static class ConfigurationFields
{
    /// <summary>The organisation of the Hugging Face model, until 2023-10; then <c>hf_config: {name, org}</c> (lit_gpt/config.py).</summary>
    public const string Organisation = "org";

    /// <summary>The model's name.</summary>
    public const string ModelName = "name";

    /// <summary>What <see cref="Organisation"/> and <see cref="ModelName"/> became.</summary>
    public const string HuggingFace = "hf_config";

    /// <summary>Which layers have a sliding window, from 2024-07 to 2025-04: null, "all", or "interleaved".</summary>
    public const string WindowPlacing = "sliding_window_layer_placing";

    /// <summary>The same since 2025-04: one number a layer, 1 for a window.</summary>
    public const string WindowIndices = "sliding_window_indices";

    /// <summary>How many layers the model has.</summary>
    public const string LayerCount = "n_layer";

    /// <summary>
    /// What <c>Config.__post_init__</c> works out from the other fields and its constructor does not take; it stands in
    /// configurations that were saved as <c>config.__dict__</c> (lit-gpt, scripts/convert_hf_checkpoint.py, 2023).
    /// </summary>
    public const string DerivedRotation = "rope_n_elem";

    /// <summary>Fields whose name changed and whose meaning did not.</summary>
    public static IReadOnlyList<RenamedField> Renamed { get; } =
    [
        new("condense_ratio", "rope_condense_ratio", "2023-09"),
        new("_norm_class", "norm_class_name", "2024-03"),
        new("_mlp_class", "mlp_class_name", "2024-03"),
    ];

    /// <summary>Every field that <c>Config</c> takes at LitGPT's head of 2026-06 (litgpt/config.py); it takes no other.</summary>
    public static IReadOnlySet<string> Current { get; } = new HashSet<string>(
        """
        name hf_config block_size n_layer n_embd vocab_size padding_multiple padded_vocab_size norm_class_name norm_eps norm_qk
        norm_qk_type post_attention_norm post_mlp_norm parallel_residual shared_attention_norm n_head head_size n_query_groups
        attn_bias attention_scores_scalar sliding_window_size sliding_window_indices attention_logit_softcapping rope_base
        rotary_percentage rope_condense_ratio rope_adjustments rope_interleave intermediate_size moe_intermediate_size bias
        mlp_class_name gelu_approximate n_expert n_shared_expert n_expert_groups n_topk_groups n_topk_scores_per_group
        n_expert_per_token first_k_dense_replace routed_scaling_factor norm_topk_prob scale_embeddings lm_head_bias
        final_logit_softcapping norm_1 norm_2 latent_attention rope_local_base_freq rope_indices
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
