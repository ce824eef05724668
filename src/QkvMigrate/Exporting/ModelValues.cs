using System.Globalization;
using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>
/// What a model's configuration says, by the names under which the files of families ask for it: LitGPT's fields, and
/// what Hugging Face's configurations want and LitGPT's say in other words.
/// </summary>
internal static class ModelValues
{
    private const string Default = "default";

    private static readonly Dictionary<string, Func<ModelConfiguration, JsonNode?>> Values = new(StringComparer.Ordinal)
    {
        ["attention_logit_softcapping"] = model => model.AttentionLogitSoftcapping is { } cap ? Real(cap) : null,
        ["attention_scores_scalar"] = model => Number(model.AttentionScoresScalar),
        ["attn_bias"] = model => model.AttentionBias,
        ["bias"] = model => model.Bias,
        ["block_size"] = model => model.BlockSize,
        ["final_logit_softcapping"] = model => model.FinalLogitSoftcapping is { } cap ? Real(cap) : null,
        ["head_size"] = model => model.Geometry.HeadSize,
        ["intermediate_size"] = model => model.IntermediateSize,
        ["lm_head_bias"] = model => model.LmHeadBias,
        ["mlp_class_name"] = model => Word(model.Mlp),
        ["moe_intermediate_size"] = model => model.Experts is { } experts && experts.IntermediateSize != model.IntermediateSize
            ? experts.IntermediateSize
            : null,
        ["n_embd"] = model => model.EmbeddingSize,
        ["n_expert"] = model => model.Experts?.Count,
        ["n_expert_per_token"] = model => model.Experts?.PerToken,
        ["n_head"] = model => model.Geometry.HeadCount,
        ["n_layer"] = model => model.LayerCount,
        ["n_query_groups"] = model => model.Geometry.QueryGroupCount,
        ["norm_1"] = model => model.HasNorm1,
        ["norm_2"] = model => model.HasNorm2,
        ["norm_class_name"] = model => model.Norm == NormKind.RmsNorm ? "RMSNorm" : "LayerNorm",
        ["norm_eps"] = model => Real(model.NormEpsilon),
        ["norm_qk"] = model => model.QueryKeyNorm != QueryKeyNorm.None,
        ["norm_qk_type"] = model => model.QueryKeyNorm == QueryKeyNorm.AllHeads ? "olmo2" : Default,
        ["norm_topk_prob"] = model => model.Experts?.NormalizesWeights ?? false,
        ["padded_vocab_size"] = model => model.PaddedVocabularySize,
        ["parallel_residual"] = model => model.ParallelResidual,
        ["post_attention_norm"] = model => model.PostAttentionNorm,
        ["post_mlp_norm"] = model => model.PostMlpNorm,
        ["rope_base"] = model => Real(model.Rope.Base),
        ["rope_local_base_freq"] = model => model.Rope.LocalBase is { } theta ? Real(theta) : null,
        ["rotary_percentage"] = model => Real(model.Rope.Percentage),
        ["scale_embeddings"] = model => model.ScaleEmbeddings,
        ["shared_attention_norm"] = model => model.SharedAttentionNorm,
        ["sliding_window_size"] = model => model.SlidingWindow?.Size,

        ["activation"] = model => model.Mlp is MlpKind.LlamaMlp or MlpKind.LlamaMoe ? "silu" : Gelu(model),
        ["attention_scale"] = model => Number(model.AttentionScoresScalar ?? model.Geometry.HeadSize),
        ["default_head_size"] = model => model.EmbeddingSize % model.Geometry.HeadCount == 0 ? model.EmbeddingSize / model.Geometry.HeadCount : null,
        ["expert_intermediate_size"] = model => model.Experts?.IntermediateSize,
        ["heads_are_not_grouped"] = model => model.Geometry.HeadCount == model.Geometry.QueryGroupCount,
        ["has_default_attention_scale"] = model => (model.AttentionScoresScalar ?? model.Geometry.HeadSize) == model.Geometry.HeadSize,
        ["has_default_head_size"] = model => (long)model.Geometry.HeadSize * model.Geometry.HeadCount == model.EmbeddingSize,
        ["has_default_width"] = model => model.IntermediateSize == 4L * model.EmbeddingSize,
        ["has_one_query_group"] = model => model.Geometry.QueryGroupCount == 1,
        ["has_sliding_window"] = model => model.SlidingWindow is not null,
        ["layer_types"] = model => new JsonArray([.. Enumerable.Range(0, model.LayerCount).Select(layer => (JsonNode)LayerType(model, layer))]),
        ["nothing"] = _ => null,
        ["norm_has_parameters"] = model => model.NormHasParameters,
        ["norm_unit_offset"] = model => model.NormHasUnitOffset,
        ["rope_by_layer_type"] = model => new JsonObject { ["full_attention"] = Rope(model, model.Rope.Base, isStretched: true), ["sliding_attention"] = Rope(model, model.Rope.LocalBase ?? model.Rope.Base, isStretched: false) },
        ["rope_is_local_with_window"] = model => Enumerable.Range(0, model.LayerCount)
            .All(layer => IsLocal(model, layer) == model.SlidingWindow?.On(layer) is not null),
        ["rope_local_base"] = model => Real(model.Rope.LocalBase ?? model.Rope.Base),
        ["rope_parameters"] = model => Rope(model, model.Rope.Base, isStretched: true),
        ["rope_partial_parameters"] = model => Partial(model),
        ["rope_scaling"] = model => Stretching(model),
        ["rope_is_stretched"] = model => Stretching(model) is not null,
        ["rope_is_stretched_twice"] = model => model.Rope is { CondenseRatio: not 1, Adjustments: not null },
        ["window_on_all_layers"] = model => model.SlidingWindow is not { } window || Enumerable.Range(0, model.LayerCount)
            .All(layer => window.On(layer) is not null),
    };

    /// <summary>Whether there is a value of this name.</summary>
    public static bool IsOne(string name) => Values.ContainsKey(name);

    /// <summary>The value of a name.</summary>
    public static JsonNode? Of(ModelConfiguration model, string name) => Values[name](model);

    /// <summary>A number that Hugging Face's libraries take as a float, with a point or an exponent in it: their newest ones check that.</summary>
    private static JsonNode Real(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return JsonNode.Parse(text.All(char.IsAsciiDigit) ? $"{text}.0" : text)!;
    }

    /// <summary>A number that they take as an int: written without a point where it is whole.</summary>
    private static JsonValue? Number(double? value) => value is not { } number ? null : number == Math.Truncate(number) && Math
        .Abs(number) < 1L << 53 ? JsonValue
        .Create((long)number) : JsonValue
        .Create(number);

    private static string Word(MlpKind kind) => kind switch
    {
        MlpKind.GptNeoxMlp => "GptNeoxMLP",
        MlpKind.LlamaMlp => "LLaMAMLP",
        MlpKind.GemmaMlp => "GemmaMLP",
        MlpKind.LlamaMoe => "LLaMAMoE",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Hugging Face's names of the two (transformers, activations.py).</summary>
    private static string Gelu(ModelConfiguration model) => model.GeluIsTanh ? "gelu_pytorch_tanh" : "gelu";

    private static string LayerType(ModelConfiguration model, int layer) => model.SlidingWindow?.On(layer) is null ? "full_attention" : "sliding_attention";

    private static bool IsLocal(ModelConfiguration model, int layer) =>
        model.Rope.LocalBase is not null && (model.Rope.IsLocal is not { } layers || layers[layer]);

    private static JsonObject Rope(ModelConfiguration model, double theta, bool isStretched)
    {
        var rope = (isStretched ? Stretching(model) : null) ?? new JsonObject { ["rope_type"] = Default };
        rope["rope_theta"] = Real(theta);
        return rope;
    }

    private static JsonObject Partial(ModelConfiguration model)
    {
        var rope = Rope(model, model.Rope.Base, isStretched: true);
        rope["partial_rotary_factor"] = Real(model.Rope.Percentage);
        return rope;
    }

    /// <summary>
    /// Positions divided by a number are rotations stretched by it (transformers, modeling_rope_utils.py, <c>linear</c>);
    /// null where nothing is stretched.
    /// </summary>
    private static JsonObject? Stretching(ModelConfiguration model) => model.Rope switch
    {
        { Adjustments: { Llama3: { } band } adjustments } => new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = Real(adjustments.Factor),
            ["low_freq_factor"] = Real(band.LowFrequencyFactor),
            ["high_freq_factor"] = Real(band.HighFrequencyFactor),
            ["original_max_position_embeddings"] = Number(band.OriginalMaximumLength),
        },
        { Adjustments: { } adjustments } => new JsonObject { ["rope_type"] = "linear", ["factor"] = Real(adjustments.Factor) },
        { CondenseRatio: not 1 } => new JsonObject { ["rope_type"] = "linear", ["factor"] = Real(model.Rope.CondenseRatio) },
        _ => null,
    };
}
