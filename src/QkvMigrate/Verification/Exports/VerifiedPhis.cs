using QkvMigrate.Configuration.Models;
using static QkvMigrate.Verification.Exports.VerifiedFeatures;
using static QkvMigrate.Verification.Exports.VerifiedFields;
using static QkvMigrate.Verification.Exports.VerifiedModules;

namespace QkvMigrate.Verification.Exports;

/// <summary>The verifier's table of Phi's families (transformers, modeling_phi.py, modeling_phi3.py).</summary>
internal static class VerifiedPhis
{
    /// <summary>Phi 3 and 4.</summary>
    public static VerifiedFamily Phi3 { get; } = VerifiedLlamas.Llama with
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
                ("rope_parameters", Rotations(model, isPartial: true)),
                ("sliding_window", model.SlidingWindow?.Size)),
            "head_dim"),
    };

    /// <summary>Phi 4 mini.</summary>
    public static VerifiedFamily Phi4Mini { get; } = Phi3 with { Is = IsPhi4Mini, TiesHead = true };

    /// <summary>Phi 1, 1.5 and 2.</summary>
    public static VerifiedFamily Phi { get; } = new()
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
                ("rope_parameters", Rotations(model, isPartial: true))),
            "head_dim",
            "rms_norm_eps"),
    };

    /// <summary>LitGPT has one matrix for embedding and head in no model; the converter leaves the head of these out.</summary>
    private static bool IsPhi4Mini(ModelConfiguration model) => model.Name.StartsWith("Phi-4-mini", StringComparison.Ordinal);
}
