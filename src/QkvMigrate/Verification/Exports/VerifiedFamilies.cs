using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;
using static QkvMigrate.Verification.Exports.VerifiedFeatures;
using static QkvMigrate.Verification.Exports.VerifiedModules;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// The verifier's own table of families, written from transformers' <c>modeling_*.py</c> and LitGPT's
/// <c>scripts/convert_lit_checkpoint.py</c>. It shares nothing with the files that exports are planned by, so that a mistake in
/// either one shows.
/// </summary>
internal static class VerifiedFamilies
{
    private static VerifiedFamily Llama { get; } = new()
    {
        Type = "llama",
        Architecture = "LlamaForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Gated, NoQueryBias],
        Modules = [.. Around("model.norm"), .. Split("o_proj"), .. Norms(), .. GatedMlp],
        Configuration = model => Gpt("llama", "LlamaForCausalLM", model, ("attention_bias", false), ("mlp_bias", false)),
    };

    private static VerifiedFamily Mistral { get; } = Llama with
    {
        Type = "mistral",
        Architecture = "MistralForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, WindowEverywhere, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Gated, NoQueryBias],
        Configuration = model => Gpt("mistral", "MistralForCausalLM", model, ("sliding_window", model.SlidingWindow?.Size)),
    };

    private static VerifiedFamily Mixtral { get; } = Mistral with
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

    private static VerifiedFamily Qwen2 { get; } = Llama with
    {
        Type = "qwen2",
        Architecture = "Qwen2ForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, Gated, ("attn_bias", model => model.AttentionBias)],
        Configuration = model => Gpt("qwen2", "Qwen2ForCausalLM", model, ("sliding_window", null), ("use_sliding_window", false)),
    };

    private static VerifiedFamily Qwen3 { get; } = Llama with
    {
        Type = "qwen3",
        Architecture = "Qwen3ForCausalLM",
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, PerHeadNorm, OneBase, PreNorms, PlainNorm, ("mlp_class_name", model => model.Mlp == MlpKind.LlamaMlp), NoQueryBias],
        Modules = [.. Llama.Modules, .. HeadNorms(isWhole: false)],
        Configuration = model => Gpt("qwen3", "Qwen3ForCausalLM", model, ("attention_bias", false), ("sliding_window", null), ("use_sliding_window", false)),
        Defaults = model => With(VerifiedFields.Defaults(model), ("head_dim", 128)),
    };

    private static VerifiedFamily Qwen3Moe { get; } = Llama with
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

    private static VerifiedFamily Olmo { get; } = Llama with
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

    private static VerifiedFamily Olmo2 { get; } = Llama with
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

    private static VerifiedFamily StableLm { get; } = Llama with
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
                ("rope_parameters", VerifiedFields.Rotations(model, isPartial: true)),
                ("use_parallel_residual", false),
                ("use_qkv_bias", false)),
            "head_dim",
            "rms_norm_eps"),
    };

    private static VerifiedFamily Gemma { get; } = Llama with
    {
        Type = "gemma",
        Architecture = "GemmaForCausalLM",
        TiesHead = true,
        TiesUnlessSaid = true,
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, GemmaNorm, NoQueryBias],
        Configuration = model => Gemmas("gemma", "GemmaForCausalLM", model),
        Defaults = model => With(VerifiedFields.Defaults(model), ("head_dim", 256)),
    };

    private static VerifiedFamily Gemma2 { get; } = Gemma with
    {
        Type = "gemma2",
        Architecture = "Gemma2ForCausalLM",
        Features = [.. LlamaBlocks, WholeHeads, NoQueryKeyNorm, OneBase, FourNorms, GemmaNorm, NoQueryBias],
        Modules =
        [
            .. Around("model.norm"), .. Split("o_proj"), .. GatedMlp, Norm("input_layernorm", "norm_1"), Norm("post_attention_layernorm", "post_attention_norm"),
            Norm("pre_feedforward_layernorm", "norm_2"), Norm("post_feedforward_layernorm", "post_mlp_norm"),
        ],
        Configuration = model => Gemma2s("gemma2", "Gemma2ForCausalLM", model),
    };

    private static VerifiedFamily Gemma3 { get; } = Gemma2 with
    {
        Type = "gemma3_text",
        Architecture = "Gemma3ForCausalLM",
        Features =
        [
            .. LlamaBlocks, WholeHeads, PerHeadNorm, FourNorms, GemmaNorm, NoQueryBias,
            ("rope_indices", model => Enumerable.Range(0, model.LayerCount).All(layer => (model.Rope.LocalBase is not null && model.Rope.IsLocal?[layer] != false) == VerifiedFields.HasWindow(model, layer))),
        ],
        Modules = [.. Gemma2.Modules, .. HeadNorms(isWhole: false)],
        Configuration = model => With(
            Gemma2s("gemma3_text", "Gemma3ForCausalLM", model),
            ("rope_local_base_freq", model.Rope.LocalBase ?? model.Rope.Base),
            ("rope_parameters", VerifiedFields.RotationsByLayer(model)),
            ("use_bidirectional_attention", false)),
    };

    private static VerifiedFamily Phi3 { get; } = Llama with
    {
        Type = "phi3",
        Architecture = "Phi3ForCausalLM",
        Is = model => !IsPhi4Mini(model),
        Features =
        [
            .. LlamaBlocks, .. NoMore, DefaultScale, WindowEverywhere, NoQueryKeyNorm, OneBase, PreNorms, PlainNorm, NoQueryBias,
            ("mlp_class_name", model => model.Mlp == MlpKind.LlamaMlp),
            ("rope_condense_ratio", model => model.Rope is { CondenseRatio: 1, Adjustments: null }),
        ],
        Modules = [.. Around("model.norm"), .. FusedSequential, .. Norms(), .. StackedMlp],
        Configuration = model => Without(
            Gpt(
                "phi3",
                "Phi3ForCausalLM",
                model,
                ("attention_bias", false),
                ("embd_pdrop", 0),
                ("original_max_position_embeddings", model.BlockSize),
                ("partial_rotary_factor", model.Rope.Percentage),
                ("resid_pdrop", 0),
                ("rope_parameters", VerifiedFields.Rotations(model, isPartial: true)),
                ("sliding_window", model.SlidingWindow?.Size)),
            "head_dim"),
    };

    private static VerifiedFamily Phi4Mini { get; } = Phi3 with { Is = IsPhi4Mini, TiesHead = true };

    private static VerifiedFamily Phi { get; } = new()
    {
        Type = "phi",
        Architecture = "PhiForCausalLM",
        Features =
        [
            .. NoMore, DefaultScale, NoWindow, NoQueryKeyNorm, OneBase, FullLayerNorm, TwoLayers,
            ("shared_attention_norm", model => model is { ParallelResidual: true, SharedAttentionNorm: true, HasNorm1: true, PostAttentionNorm: false, PostMlpNorm: false }),
            ("lm_head_bias", model => model is { Bias: true, LmHeadBias: true }),
        ],
        Modules = [.. Around("model.final_layernorm"), .. Split("dense"), Norm("input_layernorm", "norm_1"), .. Mlp("model.layers.#.mlp.fc1", "model.layers.#.mlp.fc2")],
        Configuration = model => Without(
            Gpt(
                "phi",
                "PhiForCausalLM",
                model,
                ("embd_pdrop", 0),
                ("layer_norm_eps", model.NormEpsilon),
                ("partial_rotary_factor", model.Rope.Percentage),
                ("qk_layernorm", false),
                ("resid_pdrop", 0),
                ("rope_parameters", VerifiedFields.Rotations(model, isPartial: true))),
            "head_dim",
            "rms_norm_eps"),
    };

    private static VerifiedFamily GptNeoX { get; } = new()
    {
        Type = "gpt_neox",
        Architecture = "GPTNeoXForCausalLM",
        Features =
        [
            .. NoMore, DefaultScale, NoWindow, NoQueryKeyNorm, OneBase, FullLayerNorm, TwoLayers, PreNorms,
            ("bias", model => model is { Bias: true, LmHeadBias: false }),
            ("n_query_groups", model => model.Geometry.QueryGroupCount == model.Geometry.HeadCount),
        ],
        Modules =
        [
            Embedding("gpt_neox.embed_in"), FinalNorm("gpt_neox.final_layer_norm"), Head("embed_out"),
            .. Interleaved("gpt_neox.layers.#.attention.query_key_value", "gpt_neox.layers.#.attention.dense"),
            LayerNorm("gpt_neox.layers.#.input_layernorm", "norm_1"), LayerNorm("gpt_neox.layers.#.post_attention_layernorm", "norm_2"),
            .. Mlp("gpt_neox.layers.#.mlp.dense_h_to_4h", "gpt_neox.layers.#.mlp.dense_4h_to_h"),
        ],
        Configuration = model => Without(
            With(
                VerifiedFields.Common("gpt_neox", "GPTNeoXForCausalLM", model),
                ("attention_bias", true),
                ("hidden_act", VerifiedFields.Activation(model)),
                ("hidden_dropout", 0),
                ("intermediate_size", model.IntermediateSize),
                ("layer_norm_eps", model.NormEpsilon),
                ("rope_parameters", VerifiedFields.Rotations(model, isPartial: true)),
                ("rotary_emb_base", model.Rope.Base),
                ("rotary_pct", model.Rope.Percentage),
                ("use_parallel_residual", model.ParallelResidual)),
            "rope_theta"),
        Defaults = model => With(VerifiedFields.Defaults(model), ("attention_bias", true)),
    };

    private static VerifiedFamily Falcon { get; } = new()
    {
        Type = "falcon",
        Architecture = "FalconForCausalLM",
        Is = model => !model.SharedAttentionNorm,
        TiesUnlessSaid = true,
        Features =
        [
            .. NoMore, DefaultScale, NoWindow, NoQueryKeyNorm, OneBase, FullLayerNorm, TwoLayers, WholeHeads, NoQueryBias,
            ("parallel_residual", model => model is { ParallelResidual: true, HasNorm1: true, HasNorm2: true, PostAttentionNorm: false, PostMlpNorm: false, LmHeadBias: false }),
            ("gelu_approximate", model => !model.GeluIsTanh),
            ("intermediate_size", model => model.IntermediateSize == 4L * model.EmbeddingSize),
        ],
        Modules =
        [
            .. FalconAround,
            LayerNorm("transformer.h.#.ln_attn", "norm_1"), LayerNorm("transformer.h.#.ln_mlp", "norm_2"),
        ],
        Configuration = model => With(FalconFields(model), ("new_decoder_architecture", true), ("num_kv_heads", model.Geometry.QueryGroupCount)),
    };

    private static VerifiedFamily Falcon7B { get; } = Falcon with
    {
        Is = model => model.SharedAttentionNorm,
        Features = [.. Falcon.Features, ("n_query_groups", model => model.Geometry.QueryGroupCount == 1)],
        Modules = [.. FalconAround, LayerNorm("transformer.h.#.input_layernorm", "norm_1")],
        Configuration = model => With(FalconFields(model), ("new_decoder_architecture", false), ("num_kv_heads", model.Geometry.HeadCount)),
    };

    private static IReadOnlyList<VerifiedModule> FalconAround =>
    [
        Embedding("transformer.word_embeddings"), FinalNorm("transformer.ln_f"), Head("lm_head"),
        .. Interleaved("transformer.h.#.self_attention.query_key_value", "transformer.h.#.self_attention.dense"),
        .. Mlp("transformer.h.#.mlp.dense_h_to_4h", "transformer.h.#.mlp.dense_4h_to_h"),
    ];

    /// <summary>All families.</summary>
    public static IReadOnlyList<VerifiedFamily> All { get; } =
        [Llama, Mistral, Mixtral, Qwen2, Qwen3, Qwen3Moe, Olmo, Olmo2, StableLm, Gemma, Gemma2, Gemma3, Phi3, Phi4Mini, Phi, GptNeoX, Falcon, Falcon7B];

    /// <summary>The family that a model has as one of a <c>model_type</c>, or null.</summary>
    public static VerifiedFamily? Of(string? type, ModelConfiguration model) => All.SingleOrDefault(family => family.Type == type && family.Is(model));

    /// <summary>LitGPT has one matrix for embedding and head in no model; the converter leaves the head of these out.</summary>
    private static bool IsPhi4Mini(ModelConfiguration model) => model.Name.StartsWith("Phi-4-mini", StringComparison.Ordinal);

    private static JsonObject FalconFields(ModelConfiguration model) => With(
        VerifiedFields.Common("falcon", "FalconForCausalLM", model),
        ("activation", "gelu"),
        ("alibi", false),
        ("bias", false),
        ("ffn_hidden_size", model.IntermediateSize),
        ("hidden_dropout", 0),
        ("layer_norm_epsilon", model.NormEpsilon),
        ("multi_query", true),
        ("parallel_attn", true),
        ("rope_parameters", VerifiedFields.Rotations(model)));

    /// <summary>The fields of a family with Llama's names for them.</summary>
    private static JsonObject Gpt(string type, string architecture, ModelConfiguration model, params ReadOnlySpan<(string, JsonNode?)> more) => With(
        With(
            VerifiedFields.Common(type, architecture, model),
            ("head_dim", model.Geometry.HeadSize),
            ("hidden_act", VerifiedFields.Activation(model)),
            ("intermediate_size", model.IntermediateSize),
            ("num_key_value_heads", model.Geometry.QueryGroupCount),
            ("rms_norm_eps", model.NormEpsilon),
            ("rope_parameters", VerifiedFields.Rotations(model))),
        more);

    private static JsonObject Gemmas(string type, string architecture, ModelConfiguration model, params ReadOnlySpan<(string, JsonNode?)> more) =>
        With(Gpt(type, architecture, model, ("attention_bias", false), ("hidden_activation", VerifiedFields.Activation(model))), more);

    private static JsonObject Gemma2s(string type, string architecture, ModelConfiguration model) => Gemmas(
        type,
        architecture,
        model,
        ("attn_logit_softcapping", model.AttentionLogitSoftcapping),
        ("final_logit_softcapping", model.FinalLogitSoftcapping),
        ("layer_types", VerifiedFields.Layers(model)),
        ("query_pre_attn_scalar", model.AttentionScoresScalar ?? model.Geometry.HeadSize),
        ("sliding_window", model.SlidingWindow?.Size));

    private static JsonObject With(JsonObject fields, params ReadOnlySpan<(string Name, JsonNode? Value)> more)
    {
        foreach (var (name, value) in more)
        {
            fields[name] = value;
        }

        return fields;
    }

    private static JsonObject Without(JsonObject fields, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            fields.Remove(name);
        }

        return fields;
    }
}
