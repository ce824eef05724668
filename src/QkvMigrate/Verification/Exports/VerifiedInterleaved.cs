using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;
using static QkvMigrate.Verification.Exports.VerifiedFeatures;
using static QkvMigrate.Verification.Exports.VerifiedFields;
using static QkvMigrate.Verification.Exports.VerifiedModules;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// The verifier's table of families that keep q, k and v in one matrix, interleaved (transformers, modeling_gpt_neox.py,
/// modeling_falcon.py).
/// </summary>
internal static class VerifiedInterleaved
{
    /// <summary>GPT-NeoX.</summary>
    public static VerifiedFamily GptNeoX { get; } = new()
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
                Common("gpt_neox", "GPTNeoXForCausalLM", model),
                ("attention_bias", true),
                ("hidden_act", Activation(model)),
                ("hidden_dropout", 0),
                ("intermediate_size", model.IntermediateSize),
                ("layer_norm_eps", model.NormEpsilon),
                ("rope_parameters", Rotations(model, isPartial: true)),
                ("rotary_emb_base", model.Rope.Base),
                ("rotary_pct", model.Rope.Percentage),
                ("use_parallel_residual", model.ParallelResidual)),
            "rope_theta"),
        Defaults = model => With(Defaults(model), ("attention_bias", true)),
    };

    /// <summary>Falcon 40B and 180B.</summary>
    public static VerifiedFamily Falcon { get; } = new()
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

    /// <summary>Falcon 7B.</summary>
    public static VerifiedFamily Falcon7B { get; } = Falcon with
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

    private static JsonObject FalconFields(ModelConfiguration model) => With(
        Common("falcon", "FalconForCausalLM", model),
        ("activation", "gelu"),
        ("alibi", false),
        ("bias", false),
        ("ffn_hidden_size", model.IntermediateSize),
        ("hidden_dropout", 0),
        ("layer_norm_epsilon", model.NormEpsilon),
        ("multi_query", true),
        ("parallel_attn", true),
        ("rope_parameters", Rotations(model)));
}
