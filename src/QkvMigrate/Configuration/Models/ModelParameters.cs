using System.Globalization;

namespace QkvMigrate.Configuration.Models;

/// <summary>A parameter of LitGPT's model.</summary>
/// <param name="Module">The path of its module, <c>{}</c> in place of numbers: <c>transformer.h.{}.mlp.experts.{}.fc_1</c>.</param>
/// <param name="Numbers">The numbers, in order.</param>
/// <param name="Kind"><c>weight</c> or <c>bias</c>.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
internal sealed record ModelParameter(string Module, IReadOnlyList<int> Numbers, string Kind, IReadOnlyList<long> Shape)
{
    /// <summary>Its key in the state dict.</summary>
    public string Name => $"{Numbered(Module, Numbers)}.{Kind}";

    /// <summary>A path with <paramref name="numbers"/> in place of <c>{}</c>.</summary>
    public static string Numbered(string path, IReadOnlyList<int> numbers)
    {
        var parts = path.Split("{}");
        return string.Concat(parts.SelectMany((part, i) => i < parts.Length - 1 ? [part, numbers[i].ToString(CultureInfo.InvariantCulture)] : new[] { part }));
    }
}

/// <summary>
/// The parameters that LitGPT's model has for a configuration (litgpt/model.py at its head of 2026-06), in the order in
/// which its data goes through them. The fused matrix bears its name of today, <c>attn.qkv</c>.
/// </summary>
internal static class ModelParameters
{
    /// <summary>The module with the fused rows.</summary>
    public const string Fused = "transformer.h.{}.attn.qkv";

    /// <summary>The token embedding.</summary>
    public const string Embedding = "transformer.wte";

    /// <summary>The output head.</summary>
    public const string Head = "lm_head";

    private const string Layer = "transformer.h.{}.";

    /// <summary>How many parameters there are at least; the exact ones are too many to list for a number that nobody meant.</summary>
    public static long Least(ModelConfiguration model) => (long)model.LayerCount * Math.Max(1, model.Experts?.Count ?? 1);

    /// <summary>The parameters.</summary>
    public static IEnumerable<ModelParameter> Of(ModelConfiguration model)
    {
        long width = model.EmbeddingSize;
        return
        [
            .. Linear(Embedding, [], model.PaddedVocabularySize, width, hasBias: false),
            .. Enumerable.Range(0, model.LayerCount).SelectMany(layer => Block(model, [layer])),
            .. Norm(model, "transformer.ln_f", [], width),
            .. Linear(Head, [], model.PaddedVocabularySize, width, model.LmHeadBias),
        ];
    }

    private static IEnumerable<ModelParameter> Block(ModelConfiguration model, IReadOnlyList<int> layer)
    {
        long width = model.EmbeddingSize;
        return
        [
            .. model.HasNorm1 ? Norm(model, $"{Layer}norm_1", layer, width) : [],
            .. Attention(model, layer),
            .. model.PostAttentionNorm ? Norm(model, $"{Layer}post_attention_norm", layer, width) : [],
            .. model is { HasNorm2: true, SharedAttentionNorm: false } ? Norm(model, $"{Layer}norm_2", layer, width) : [],
            .. Mlp(model, layer),
            .. model.PostMlpNorm ? Norm(model, $"{Layer}post_mlp_norm", layer, width) : [],
        ];
    }

    private static IEnumerable<ModelParameter> Attention(ModelConfiguration model, IReadOnlyList<int> layer)
    {
        long width = model.EmbeddingSize;
        var (heads, groups, size) = ((long)model.Geometry.HeadCount, (long)model.Geometry.QueryGroupCount, (long)model.Geometry.HeadSize);
        var isWhole = model.QueryKeyNorm == QueryKeyNorm.AllHeads;
        return
        [
            .. Linear(Fused, layer, model.Geometry.FusedRows, width, model.Bias || model.AttentionBias),
            .. model.QueryKeyNorm == QueryKeyNorm.None ? [] : Norm(model, $"{Layer}attn.norm_q", layer, isWhole ? heads * size : size),
            .. model.QueryKeyNorm == QueryKeyNorm.None ? [] : Norm(model, $"{Layer}attn.norm_k", layer, isWhole ? groups * size : size),
            .. Linear($"{Layer}attn.proj", layer, width, model.Geometry.ProjectionColumns, model.Bias),
        ];
    }

    private static IEnumerable<ModelParameter> Mlp(ModelConfiguration model, IReadOnlyList<int> layer) => model switch
    {
        { Mlp: MlpKind.GptNeoxMlp } =>
        [
            .. Linear($"{Layer}mlp.fc", layer, model.IntermediateSize, model.EmbeddingSize, model.Bias),
            .. Linear($"{Layer}mlp.proj", layer, model.EmbeddingSize, model.IntermediateSize, model.Bias),
        ],
        { Mlp: MlpKind.LlamaMoe, Experts: { } experts } =>
        [
            .. Linear($"{Layer}mlp.gate", layer, experts.Count, model.EmbeddingSize, hasBias: false),
            .. Enumerable.Range(0, experts.Count).SelectMany(expert => Gated(model, "mlp.experts.{}.", [.. layer, expert], experts.IntermediateSize)),
        ],
        _ => Gated(model, "mlp.", layer, model.IntermediateSize),
    };

    private static IEnumerable<ModelParameter> Gated(ModelConfiguration model, string path, IReadOnlyList<int> numbers, long width) =>
    [
        .. Linear($"{Layer}{path}fc_1", numbers, width, model.EmbeddingSize, model.Bias),
        .. Linear($"{Layer}{path}fc_2", numbers, width, model.EmbeddingSize, model.Bias),
        .. Linear($"{Layer}{path}proj", numbers, model.EmbeddingSize, width, model.Bias),
    ];

    private static IEnumerable<ModelParameter> Linear(string module, IReadOnlyList<int> numbers, long rows, long columns, bool hasBias) =>
    [
        new(module, numbers, "weight", [rows, columns]),
        .. hasBias ? new[] { new ModelParameter(module, numbers, "bias", [rows]) } : [],
    ];

    private static IEnumerable<ModelParameter> Norm(ModelConfiguration model, string module, IReadOnlyList<int> numbers, long size) =>
    [
        .. model.NormHasParameters ? new[] { new ModelParameter(module, numbers, "weight", [size]) } : [],
        .. model is { NormHasParameters: true, Norm: NormKind.LayerNorm } ? new[] { new ModelParameter(module, numbers, "bias", [size]) } : [],
    ];
}
