using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// What models of a family have and others have not: a name of LitGPT's configuration, and whether a model has it so. A model that
/// has something else computes something else, though its tensors may have the same names.
/// </summary>
internal static class VerifiedFeatures
{
    /// <summary>Logits are as they are computed.</summary>
    public static IReadOnlyList<(string Field, Func<ModelConfiguration, bool> Fits)> NoMore { get; } =
    [
        ("attention_logit_softcapping", model => model.AttentionLogitSoftcapping is null),
        ("final_logit_softcapping", model => model.FinalLogitSoftcapping is null),
    ];

    /// <summary>Scores are divided by the square root of the head's size.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) DefaultScale { get; } =
        ("attention_scores_scalar", model => (model.AttentionScoresScalar ?? model.Geometry.HeadSize) == model.Geometry.HeadSize);

    /// <summary>Every token sees all before it.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) NoWindow { get; } = ("sliding_window_size", model => model.SlidingWindow is null);

    /// <summary>The window, where there is one, is on all layers.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) WindowEverywhere { get; } =
        ("sliding_window_indices", model => model.SlidingWindow is null || Enumerable.Range(0, model.LayerCount).All(layer => VerifiedFields.HasWindow(model, layer)));

    /// <summary>All of a head is rotated.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) WholeHeads { get; } = ("rotary_percentage", model => model.Rope.Percentage == 1);

    /// <summary>Queries and keys are used as they are projected.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) NoQueryKeyNorm { get; } = ("norm_qk", model => model.QueryKeyNorm == QueryKeyNorm.None);

    /// <summary>All layers rotate alike.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) OneBase { get; } = ("rope_local_base_freq", model => model.Rope.LocalBase is null);

    /// <summary>One behind the other, without biases.</summary>
    public static IReadOnlyList<(string Field, Func<ModelConfiguration, bool> Fits)> LlamaBlocks { get; } =
    [
        ("parallel_residual", model => !model.ParallelResidual),
        ("bias", model => !model.Bias && !model.LmHeadBias),
    ];

    /// <summary>A norm before attention and one before the MLP.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) PreNorms { get; } =
        ("post_attention_norm", model => model is { HasNorm1: true, HasNorm2: true, PostAttentionNorm: false, PostMlpNorm: false, SharedAttentionNorm: false });

    /// <summary>RMSNorm.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) PlainNorm { get; } =
        ("norm_class_name", model => model is { Norm: NormKind.RmsNorm, NormHasUnitOffset: false, ScaleEmbeddings: false });

    /// <summary>RMSNorm that multiplies by one more than its weight, on embeddings that are scaled.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) GemmaNorm { get; } =
        ("norm_class_name", model => model is { Norm: NormKind.RmsNorm, NormHasUnitOffset: true, ScaleEmbeddings: true, Mlp: MlpKind.GemmaMlp });

    /// <summary>LayerNorm with weight and bias.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) FullLayerNorm { get; } =
        ("norm_class_name", model => model is { Norm: NormKind.LayerNorm, NormHasParameters: true, ScaleEmbeddings: false });

    /// <summary>A gated MLP, of two matrices side by side: Phi 3 and 4 have Llama's blocks, and one matrix.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) Gated { get; } = (
        "mlp_class_name",
        model => model.Mlp is MlpKind.LlamaMlp or MlpKind.GemmaMlp
            && !model.Name.StartsWith("phi-3", StringComparison.OrdinalIgnoreCase)
            && !model.Name.StartsWith("phi-4", StringComparison.OrdinalIgnoreCase));

    /// <summary>A mixture of experts.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) Experts { get; } = ("mlp_class_name", model => model.Mlp == MlpKind.LlamaMoe);

    /// <summary>An MLP of two layers.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) TwoLayers { get; } = ("mlp_class_name", model => model.Mlp == MlpKind.GptNeoxMlp);

    /// <summary>q, k and v without biases.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) NoQueryBias { get; } = ("attn_bias", model => !model.AttentionBias && !model.Bias);

    /// <summary>Queries and keys are normalized, each head by itself.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) PerHeadNorm { get; } = ("norm_qk_type", model => model.QueryKeyNorm == QueryKeyNorm.PerHead);

    /// <summary>A norm before and one behind both attention and MLP.</summary>
    public static (string Field, Func<ModelConfiguration, bool> Fits) FourNorms { get; } =
        ("post_mlp_norm", model => model is { HasNorm1: true, HasNorm2: true, PostAttentionNorm: true, PostMlpNorm: true, SharedAttentionNorm: false });
}
