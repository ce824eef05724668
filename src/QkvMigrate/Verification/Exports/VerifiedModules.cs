using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>The modules that families are made of, with the sizes that they have in LitGPT's model.</summary>
internal static class VerifiedModules
{
    /// <summary>LitGPT's fused module, under its name of today.</summary>
    public const string Fused = $"{Block}attn.qkv";

    private const string Block = "transformer.h.#.";
    private const string Layer = "model.layers.#.";

    /// <summary>gate, up and down.</summary>
    public static IReadOnlyList<VerifiedModule> GatedMlp { get; } =
    [
        Matrix($"{Layer}mlp.gate_proj", $"{Block}mlp.fc_1", Wide, Width),
        Matrix($"{Layer}mlp.up_proj", $"{Block}mlp.fc_2", Wide, Width),
        Matrix($"{Layer}mlp.down_proj", $"{Block}mlp.proj", Width, Wide),
    ];

    /// <summary>Gate and up in one matrix, and down.</summary>
    public static IReadOnlyList<VerifiedModule> StackedMlp { get; } =
    [
        new($"{Layer}mlp.gate_up_proj", [new($"{Block}mlp.fc_1"), new($"{Block}mlp.fc_2")], model => 2 * Wide(model), Width),
        Matrix($"{Layer}mlp.down_proj", $"{Block}mlp.proj", Width, Wide),
    ];

    /// <summary>q, k and v in one matrix, one behind the other.</summary>
    public static IReadOnlyList<VerifiedModule> FusedSequential { get; } =
    [
        new($"{Layer}self_attn.qkv_proj", [new(Fused, VerifiedRows.Sequential)], model => model.Geometry.FusedRows, Width),
        Matrix($"{Layer}self_attn.o_proj", $"{Block}attn.proj", Width, Queries),
    ];

    /// <summary>Embedding, head and last norm of families with Llama's names.</summary>
    public static IReadOnlyList<VerifiedModule> Around(string? norm) =>
        [Embedding("model.embed_tokens"), .. norm is null ? [] : new[] { FinalNorm(norm) }, Head("lm_head")];

    /// <summary>The token embedding.</summary>
    public static VerifiedModule Embedding(string name) => Matrix(name, "transformer.wte", Tokens, Width);

    /// <summary>The output head.</summary>
    public static VerifiedModule Head(string name) => Matrix(name, "lm_head", Tokens, Width);

    /// <summary>The norm before the head.</summary>
    public static VerifiedModule FinalNorm(string name) => new(name, [new("transformer.ln_f")], Width, null);

    /// <summary>q, k, v and the projection behind them.</summary>
    public static IReadOnlyList<VerifiedModule> Split(string projection) =>
    [
        new($"{Layer}self_attn.q_proj", [new(Fused, VerifiedRows.Query)], Queries, Width),
        new($"{Layer}self_attn.k_proj", [new(Fused, VerifiedRows.Key)], Keys, Width),
        new($"{Layer}self_attn.v_proj", [new(Fused, VerifiedRows.Value)], Keys, Width),
        Matrix($"{Layer}self_attn.{projection}", $"{Block}attn.proj", Width, Queries),
    ];

    /// <summary>q, k and v in one matrix, interleaved, and the projection behind them.</summary>
    public static IReadOnlyList<VerifiedModule> Interleaved(string fused, string projection) =>
    [
        new(fused, [new(Fused, VerifiedRows.Interleaved)], model => model.Geometry.FusedRows, Width),
        Matrix(projection, $"{Block}attn.proj", Width, Queries),
    ];

    /// <summary>An MLP of two layers.</summary>
    public static IReadOnlyList<VerifiedModule> Mlp(string first, string second) =>
        [Matrix(first, $"{Block}mlp.fc", Wide, Width), Matrix(second, $"{Block}mlp.proj", Width, Wide)];

    /// <summary>A router and its experts.</summary>
    public static IReadOnlyList<VerifiedModule> ExpertMlp(string module, string gate, string up, string down) =>
    [
        Matrix($"{Layer}{module}.gate", $"{Block}mlp.gate", model => model.Experts!.Count, Width),
        Matrix($"{Layer}{module}.experts.#.{gate}", $"{Block}mlp.experts.#.fc_1", Expert, Width),
        Matrix($"{Layer}{module}.experts.#.{up}", $"{Block}mlp.experts.#.fc_2", Expert, Width),
        Matrix($"{Layer}{module}.experts.#.{down}", $"{Block}mlp.experts.#.proj", Width, Expert),
    ];

    /// <summary>The norms of a block before its attention and before its MLP.</summary>
    public static IReadOnlyList<VerifiedModule> Norms() => [Norm("input_layernorm", "norm_1"), Norm("post_attention_layernorm", "norm_2")];

    /// <summary>A norm of a block.</summary>
    public static VerifiedModule Norm(string name, string module) => LayerNorm($"{Layer}{name}", module);

    /// <summary>A norm of a block, by its whole name.</summary>
    public static VerifiedModule LayerNorm(string name, string module) => new(name, [new($"{Block}{module}")], Width, null);

    /// <summary>The norms of q and k: of each head, or of all heads as one.</summary>
    public static IReadOnlyList<VerifiedModule> HeadNorms(bool isWhole) =>
    [
        new($"{Layer}self_attn.q_norm", [new($"{Block}attn.norm_q")], isWhole ? Queries : model => model.Geometry.HeadSize, null),
        new($"{Layer}self_attn.k_norm", [new($"{Block}attn.norm_k")], isWhole ? Keys : model => model.Geometry.HeadSize, null),
    ];

    private static VerifiedModule Matrix(string name, string module, Func<ModelConfiguration, long> rows, Func<ModelConfiguration, long> columns) =>
        new(name, [new(module)], rows, columns);

    private static long Tokens(ModelConfiguration model) => model.PaddedVocabularySize;

    private static long Width(ModelConfiguration model) => model.EmbeddingSize;

    private static long Wide(ModelConfiguration model) => model.IntermediateSize;

    private static long Expert(ModelConfiguration model) => model.Experts!.IntermediateSize;

    private static long Queries(ModelConfiguration model) => (long)model.Geometry.HeadCount * model.Geometry.HeadSize;

    private static long Keys(ModelConfiguration model) => (long)model.Geometry.QueryGroupCount * model.Geometry.HeadSize;
}
