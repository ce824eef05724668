using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;
using static QkvMigrate.Verification.Exports.VerifiedFeatures;
using static QkvMigrate.Verification.Exports.VerifiedFields;
using static QkvMigrate.Verification.Exports.VerifiedModules;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// The verifier's table of families that have Llama's modules: q, k and v apart, a gated MLP or experts (transformers, modeling_llama.py
/// and those made of it).
/// </summary>
internal static class VerifiedLlamas
{
    /// <summary>Llama.</summary>
    public static VerifiedFamily Llama { get; } = new()
    {
        Type = "llama",
        Architecture = "LlamaForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Gated, NoQueryBias],
        Modules = [.. Around("model.norm"), .. Split("o_proj"), .. Norms(), .. GatedMlp],
        Configuration = model => Gpt("llama", "LlamaForCausalLM", model, ("attention_bias", false), ("mlp_bias", false)),
    };

    /// <summary>Llama's blocks with a window on every layer.</summary>
    public static VerifiedFamily Mistral { get; } = Llama with
    {
        Type = "mistral",
        Architecture = "MistralForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, WindowEverywhere, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Gated, NoQueryBias],
        Configuration = model => Gpt("mistral", "MistralForCausalLM", model, ("sliding_window", model.SlidingWindow?.Size)),
    };

    /// <summary>Mistral with experts.</summary>
    public static VerifiedFamily Mixtral { get; } = Mistral with
    {
        Type = "mixtral",
        Architecture = "MixtralForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, WindowEverywhere, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Experts, NoQueryBias],
        Modules = [.. Around("model.norm"), .. Split("o_proj"), .. Norms(), .. ExpertMlp("block_sparse_moe", "w1", "w3", "w2")],
        Configuration = model => Gpt(
            "mixtral",
            "MixtralForCausalLM",
            model,
            ("sliding_window", model.SlidingWindow?.Size),
            ("intermediate_size", model.Experts!.IntermediateSize),
            ("num_local_experts", model.Experts.Count),
            ("num_experts_per_tok", model.Experts.PerToken)),
    };

    /// <summary>Qwen 2.5.</summary>
    public static VerifiedFamily Qwen2 { get; } = Llama with
    {
        Type = "qwen2",
        Architecture = "Qwen2ForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Gated, ("attn_bias", model => model.AttentionBias)],
        Configuration = model => Gpt("qwen2", "Qwen2ForCausalLM", model, ("sliding_window", null), ("use_sliding_window", false)),
    };

    /// <summary>Qwen 3.</summary>
    public static VerifiedFamily Qwen3 { get; } = Llama with
    {
        Type = "qwen3",
        Architecture = "Qwen3ForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, PerHeadNorm, OneBase, PreNorms, PlainNorm, ("mlp_class_name", model => model.Mlp == MlpKind.LlamaMlp), NoQueryBias],
        Modules = [.. Llama.Modules, .. HeadNorms(isWhole: false)],
        Configuration = model => Gpt("qwen3", "Qwen3ForCausalLM", model, ("attention_bias", false), ("sliding_window", null), ("use_sliding_window", false)),
        Defaults = model => With(Defaults(model), ("head_dim", 128)),
    };

    /// <summary>Qwen 3 with experts.</summary>
    public static VerifiedFamily Qwen3Moe { get; } = Llama with
    {
        Type = "qwen3_moe",
        Architecture = "Qwen3MoeForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, PerHeadNorm, OneBase, PreNorms, PlainNorm, Experts, NoQueryBias],
        Modules = [.. Around("model.norm"), .. Split("o_proj"), .. Norms(), .. HeadNorms(isWhole: false), .. ExpertMlp("mlp", "gate_proj", "up_proj", "down_proj")],
        Configuration = model => Gpt(
            "qwen3_moe",
            "Qwen3MoeForCausalLM",
            model,
            ("attention_bias", false),
            ("decoder_sparse_step", 1),
            ("mlp_only_layers", new JsonArray()),
            ("moe_intermediate_size", model.Experts!.IntermediateSize),
            ("norm_topk_prob", true),
            ("num_experts", model.Experts.Count),
            ("num_experts_per_tok", model.Experts.PerToken),
            ("sliding_window", null),
            ("use_sliding_window", false)),
    };

    /// <summary>OLMo.</summary>
    public static VerifiedFamily Olmo { get; } = Llama with
    {
        Type = "olmo",
        Architecture = "OlmoForCausalLM",
        Features =
        [
            .. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, Gated, NoQueryBias,
            ("norm_class_name", model => model is { Norm: NormKind.LayerNorm, NormHasParameters: false, NormEpsilon: 1e-5, ScaleEmbeddings: false }),
        ],
        Modules = [.. Around(null), .. Split("o_proj"), .. GatedMlp],
        Configuration = model => Without(Gpt("olmo", "OlmoForCausalLM", model, ("attention_bias", false), ("clip_qkv", null)), "head_dim", "rms_norm_eps"),
    };

    /// <summary>OLMo 2.</summary>
    public static VerifiedFamily Olmo2 { get; } = Llama with
    {
        Type = "olmo2",
        Architecture = "Olmo2ForCausalLM",
        Features =
        [
            .. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, OneBase, PlainNorm, Gated, NoQueryBias,
            ("norm_qk_type", model => model.QueryKeyNorm == QueryKeyNorm.AllHeads),
            ("norm_1", model => model is { HasNorm1: false, HasNorm2: false, PostAttentionNorm: true, PostMlpNorm: true }),
        ],
        Modules =
        [
            .. Around("model.norm"), .. Split("o_proj"), .. GatedMlp, .. HeadNorms(isWhole: true),
            Norm("post_attention_layernorm", "post_attention_norm"), Norm("post_feedforward_layernorm", "post_mlp_norm"),
        ],
        Configuration = model => Without(Gpt("olmo2", "Olmo2ForCausalLM", model, ("attention_bias", false)), "head_dim"),
    };

    /// <summary>StableLM since 3B.</summary>
    public static VerifiedFamily StableLm { get; } = Llama with
    {
        Type = "stablelm",
        Architecture = "StableLmForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, NoQueryKeyNorm, OneBase, PreNorms, FullLayerNorm, Gated, NoQueryBias],
        Configuration = model => Without(
            Gpt(
                "stablelm",
                "StableLmForCausalLM",
                model,
                ("hidden_dropout", 0),
                ("layer_norm_eps", model.NormEpsilon),
                ("partial_rotary_factor", model.Rope.Percentage),
                ("qk_layernorm", false),
                ("rope_parameters", Rotations(model, isPartial: true)),
                ("use_parallel_residual", false),
                ("use_qkv_bias", false)),
            "head_dim",
            "rms_norm_eps"),
    };
}
