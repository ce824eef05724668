using static QkvMigrate.Verification.Exports.VerifiedFeatures;
using static QkvMigrate.Verification.Exports.VerifiedFields;
using static QkvMigrate.Verification.Exports.VerifiedModules;

namespace QkvMigrate.Verification.Exports;

/// <summary>The verifier's table of Gemma's families (transformers, modeling_gemma.py, modeling_gemma2.py, modeling_gemma3.py).</summary>
internal static class VerifiedGemmas
{
    /// <summary>Gemma.</summary>
    public static VerifiedFamily Gemma { get; } = VerifiedLlamas.Llama with
    {
        Type = "gemma",
        Architecture = "GemmaForCausalLM",
        TiesHead = true,
        TiesUnlessSaid = true,
        Features = [.. LlamaBlocks, .. NoMore, DefaultScale, NoWindow, WholeHeads, NoQueryKeyNorm, OneBase, PreNorms, GemmaNorm, NoQueryBias],
        Configuration = model => Gemmas("gemma", "GemmaForCausalLM", model),
        Defaults = model => With(Defaults(model), ("head_dim", 256)),
    };

    /// <summary>Gemma 2.</summary>
    public static VerifiedFamily Gemma2 { get; } = Gemma with
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

    /// <summary>The language model of Gemma 3.</summary>
    public static VerifiedFamily Gemma3 { get; } = Gemma2 with
    {
        Type = "gemma3_text",
        Architecture = "Gemma3ForCausalLM",
        Features =
        [
            .. LlamaBlocks, WholeHeads, PerHeadNorm, FourNorms, GemmaNorm, NoQueryBias,
            ("rope_indices", model => Enumerable.Range(0, model.LayerCount).All(layer => (model.Rope.LocalBase is not null && model.Rope.IsLocal?[layer] != false) == HasWindow(model, layer))),
        ],
        Modules = [.. Gemma2.Modules, .. HeadNorms(isWhole: false)],
        Configuration = model => With(
            Gemma2s("gemma3_text", "Gemma3ForCausalLM", model),
            ("rope_local_base_freq", model.Rope.LocalBase ?? model.Rope.Base),
            ("rope_parameters", RotationsByLayer(model)),
            ("use_bidirectional_attention", false)),
    };
}
