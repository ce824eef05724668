using QkvMigrate.Attention;

namespace QkvMigrate.Configuration.Models;

/// <summary>LitGPT's <c>norm_class_name</c>.</summary>
public enum NormKind
{
    /// <summary><c>torch.nn.LayerNorm</c>.</summary>
    LayerNorm,

    /// <summary>LitGPT's own <c>RMSNorm</c>.</summary>
    RmsNorm,
}

/// <summary>LitGPT's <c>mlp_class_name</c>.</summary>
public enum MlpKind
{
    /// <summary><c>proj(gelu(fc(x)))</c>.</summary>
    GptNeoxMlp,

    /// <summary><c>proj(silu(fc_1(x)) · fc_2(x))</c>.</summary>
    LlamaMlp,

    /// <summary><c>proj(gelu(fc_1(x)) · fc_2(x))</c>.</summary>
    GemmaMlp,

    /// <summary>A mixture of LLaMAMLP experts.</summary>
    LlamaMoe,
}

/// <summary>LitGPT's <c>norm_qk</c> and <c>norm_qk_type</c>.</summary>
public enum QueryKeyNorm
{
    /// <summary>Queries and keys are used as they are projected.</summary>
    None,

    /// <summary>Each head is normalized by itself, weights of <c>head_size</c>.</summary>
    PerHead,

    /// <summary>OLMo 2: all heads are normalized as one vector.</summary>
    AllHeads,
}

/// <summary>
/// What LitGPT's model is made of: the fields of its <c>Config</c> that change what it computes, under whichever name they
/// had, with the defaults that they had in both ages (litgpt/config.py before and since pull request #1013).
/// </summary>
public sealed record ModelConfiguration
{
    /// <summary><c>name</c>. LitGPT takes two things from it: see <see cref="NormHasUnitOffset"/> and <see cref="NormHasParameters"/>.</summary>
    public string Name { get; init; } = "";

    /// <summary>Organisation and name on the Hugging Face hub of what it was made from (<c>hf_config</c>), with a slash between them, or null.</summary>
    public string? HuggingFaceName { get; init; }

    /// <summary><c>block_size</c>: the longest sequence, in tokens.</summary>
    public int BlockSize { get; init; } = 4096;

    /// <summary><c>n_layer</c>.</summary>
    public int LayerCount { get; init; } = 16;

    /// <summary><c>n_embd</c>.</summary>
    public int EmbeddingSize { get; init; } = 4096;

    /// <summary><c>vocab_size</c>: how many tokens the tokenizer knows.</summary>
    public int VocabularySize { get; init; } = 50254;

    /// <summary><c>padded_vocab_size</c>: rows of the embedding and of <c>lm_head</c>.</summary>
    public int PaddedVocabularySize { get; init; } = 50688;

    /// <summary><c>norm_class_name</c>.</summary>
    public NormKind Norm { get; init; } = NormKind.LayerNorm;

    /// <summary><c>norm_eps</c>.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary><c>norm_1</c>: whether a block normalizes before its attention.</summary>
    public bool HasNorm1 { get; init; } = true;

    /// <summary><c>norm_2</c>: whether a block normalizes before its MLP.</summary>
    public bool HasNorm2 { get; init; } = true;

    /// <summary><c>post_attention_norm</c>.</summary>
    public bool PostAttentionNorm { get; init; }

    /// <summary><c>post_mlp_norm</c>.</summary>
    public bool PostMlpNorm { get; init; }

    /// <summary><c>parallel_residual</c>: attention and MLP read the same input.</summary>
    public bool ParallelResidual { get; init; } = true;

    /// <summary><c>shared_attention_norm</c>: with parallel residuals, the MLP reads what <c>norm_1</c> made.</summary>
    public bool SharedAttentionNorm { get; init; }

    /// <summary><c>n_head</c>, <c>n_query_groups</c>, <c>head_size</c>.</summary>
    public AttentionGeometry Geometry { get; init; } = new(32, 32, 128);

    /// <summary><c>norm_qk</c> and <c>norm_qk_type</c>.</summary>
    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary><c>bias</c>: whether the projections of attention and MLP have biases.</summary>
    public bool Bias { get; init; } = true;

    /// <summary><c>attn_bias</c>: whether the fused QKV projection has a bias in any case.</summary>
    public bool AttentionBias { get; init; }

    /// <summary><c>attention_scores_scalar</c>: scores are divided by its square root; null for <c>head_size</c>.</summary>
    public double? AttentionScoresScalar { get; init; }

    /// <summary><c>attention_logit_softcapping</c>.</summary>
    public double? AttentionLogitSoftcapping { get; init; }

    /// <summary>The sliding window, or null for none.</summary>
    public SlidingWindow? SlidingWindow { get; init; }

    /// <summary><c>rope_base</c>, <c>rotary_percentage</c>, <c>rope_condense_ratio</c> and <c>rope_adjustments</c>.</summary>
    public RopeConfiguration Rope { get; init; } = new();

    /// <summary><c>mlp_class_name</c>.</summary>
    public MlpKind Mlp { get; init; } = MlpKind.GptNeoxMlp;

    /// <summary><c>intermediate_size</c>: the width of the MLP.</summary>
    public int IntermediateSize { get; init; } = 16384;

    /// <summary><c>gelu_approximate</c>: true for "tanh", false for "none".</summary>
    public bool GeluIsTanh { get; init; }

    /// <summary>The experts of a mixture; null where <see cref="Mlp"/> is none.</summary>
    public ExpertConfiguration? Experts { get; init; }

    /// <summary><c>scale_embeddings</c>: token embeddings are multiplied by the square root of <c>n_embd</c>.</summary>
    public bool ScaleEmbeddings { get; init; }

    /// <summary><c>lm_head_bias</c>.</summary>
    public bool LmHeadBias { get; init; }

    /// <summary><c>final_logit_softcapping</c>.</summary>
    public double? FinalLogitSoftcapping { get; init; }

    /// <summary>Elements of each head that are rotated: <c>int(rotary_percentage · head_size)</c>.</summary>
    public int RotarySize => (int)(Rope.Percentage * Geometry.HeadSize);

    /// <summary>Gemma's RMSNorm multiplies by <c>1 + weight</c>; LitGPT goes by the name (litgpt/config.py, <c>norm_class</c>).</summary>
    public bool NormHasUnitOffset => Norm == NormKind.RmsNorm && Name.Contains("Gemma", StringComparison.Ordinal);

    /// <summary>OLMo's LayerNorm has no parameters; LitGPT goes by the name (litgpt/config.py, <c>norm_class</c>).</summary>
    public bool NormHasParameters => Norm != NormKind.LayerNorm || !Name.Contains("OLMo", StringComparison.Ordinal);
}
