using QkvMigrate.Attention;

namespace QkvMigrate.Configuration.Models;

/// <summary>
/// Reads a <see cref="ModelConfiguration"/> from the text of what LitGPT saves beside a checkpoint: <c>model_config.yaml</c>
/// since 2024-03, <c>lit_config.json</c> before.
/// </summary>
internal static class ModelFields
{
    /// <summary>The files of a checkpoint's directory that can have the configuration, the best first.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [ConfigurationRewrite.YamlName, ConfigurationRewrite.JsonName];

    private static readonly Dictionary<string, NormKind> Norms = new() { ["LayerNorm"] = NormKind.LayerNorm, ["RMSNorm"] = NormKind.RmsNorm };

    private static readonly Dictionary<string, MlpKind> Mlps = new()
    {
        ["GptNeoxMLP"] = MlpKind.GptNeoxMlp,
        ["LLaMAMLP"] = MlpKind.LlamaMlp,
        ["GemmaMLP"] = MlpKind.GemmaMlp,
        ["LLaMAMoE"] = MlpKind.LlamaMoe,
    };

    private static readonly Dictionary<string, QueryKeyNorm> QueryKeyNorms = new() { ["default"] = QueryKeyNorm.PerHead, ["olmo2"] = QueryKeyNorm.AllHeads };

    private static readonly Dictionary<string, bool> Approximations = new() { ["none"] = false, ["tanh"] = true };

    /// <summary>Reads the file at <paramref name="path"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="refuse">Refuses fields that ask for something that the reader's owner does not do, and takes those that it passes over.</param>
    /// <exception cref="MigrationException">It cannot be read, or asks for something that is refused.</exception>
    public static ModelConfiguration Read(string path, Action<FieldReader> refuse)
    {
        try
        {
            return Parse(ConfigurationReader.ReadText(path).TrimStart(ConfigurationReader.ByteOrderMark), refuse);
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    /// <summary>Reads the configuration from its text.</summary>
    /// <exception cref="MigrationException">As <see cref="Read"/>.</exception>
    public static ModelConfiguration Parse(string text, Action<FieldReader> refuse)
    {
        var fields = new FieldReader(YamlFields.Parse(text).ToDictionary(field => field.Name, FieldValue.Of));
        refuse(fields);
        var size = fields.Count("n_embd") ?? 4096;
        var layers = fields.Count("n_layer") ?? 16;
        var vocabulary = fields.Count("vocab_size") ?? 50254;
        var padded = Padded(vocabulary, fields.Count("padding_multiple") ?? 512, fields.Count("padded_vocab_size"));
        var mlp = fields.Word(Mlps, "mlp_class_name", "_mlp_class") ?? MlpKind.GptNeoxMlp;
        var width = Width(fields, mlp, size);
        var configuration = new ModelConfiguration
        {
            Name = fields.Take("name")?.Text ?? "",
            BlockSize = fields.Count("block_size") ?? 4096,
            LayerCount = layers,
            EmbeddingSize = size,
            VocabularySize = Math.Min(vocabulary, padded),
            PaddedVocabularySize = padded,
            Norm = fields.Word(Norms, "norm_class_name", "_norm_class") ?? NormKind.LayerNorm,
            NormEpsilon = fields.Positive("norm_eps") ?? 1e-5,
            HasNorm1 = fields.Flag("norm_1") ?? true,
            HasNorm2 = fields.Flag("norm_2") ?? true,
            PostAttentionNorm = fields.Flag("post_attention_norm") ?? false,
            PostMlpNorm = fields.Flag("post_mlp_norm") ?? false,
            ParallelResidual = fields.Flag("parallel_residual") ?? true,
            SharedAttentionNorm = fields.Flag("shared_attention_norm") ?? false,
            Geometry = Geometry(fields, size),
            QueryKeyNorm = Normalization(fields),
            Bias = fields.Flag("bias") ?? true,
            AttentionBias = fields.Flag("attn_bias") ?? false,
            AttentionScoresScalar = fields.Positive("attention_scores_scalar"),
            AttentionLogitSoftcapping = fields.Positive("attention_logit_softcapping"),
            SlidingWindow = SlidingWindowReader.Read(fields, layers),
            Rope = RopeConfigurationReader.Read(fields, layers),
            Mlp = mlp,
            IntermediateSize = width,
            GeluIsTanh = fields.Word(Approximations, "gelu_approximate") ?? false,
            Experts = Experts(fields, mlp, width),
            ScaleEmbeddings = fields.Flag("scale_embeddings") ?? false,
            LmHeadBias = fields.Flag("lm_head_bias") ?? false,
            FinalLogitSoftcapping = fields.Positive("final_logit_softcapping"),
            HuggingFaceName = HuggingFaceName(fields),
        };
        fields.Take(ConfigurationFields.DerivedRotation);
        fields.RefuseOthers();
        return configuration;
    }

    /// <summary>LitGPT's <c>Config.__post_init__</c>: the next multiple where the padded size is not given.</summary>
    private static int Padded(int vocabulary, int multiple, int? padded) =>
        padded ?? (vocabulary + multiple - 1) / multiple * multiple;

    /// <summary>Organisation and name, in the forms of both ages; null where either is not given.</summary>
    private static string? HuggingFaceName(FieldReader fields)
    {
        var (organisation, both) = (fields.Take(ConfigurationFields.Organisation)?.Text, fields.Take(ConfigurationFields.HuggingFace)?.Fields);
        var name = both is null ? fields.Take(ConfigurationFields.ModelName)?.Text : both.GetValueOrDefault("name");
        organisation = both is null ? organisation : both.GetValueOrDefault("org");
        return organisation is null || name is null ? null : $"{organisation}/{name}";
    }

    private static int Width(FieldReader fields, MlpKind mlp, int size) =>
        fields.Count("intermediate_size")
        ?? (mlp == MlpKind.LlamaMlp
            ? throw new MigrationException(FailureKind.Malformed, "LLaMAMLP needs intermediate_size, which is not given")
            : 4 * size);

    private static AttentionGeometry Geometry(FieldReader fields, int size)
    {
        var heads = fields.Count("n_head") ?? 32;
        var headSize = fields.Count("head_size") ?? SizePerHead(size, heads);
        var geometry = new AttentionGeometry(heads, fields.Count("n_query_groups") ?? heads, headSize);
        return geometry.Problem() is { } problem ? throw new MigrationException(FailureKind.Geometry, problem) : geometry;
    }

    private static int SizePerHead(int size, int heads) => size % heads == 0
        ? size / heads
        : throw new MigrationException(
            FailureKind.Geometry,
            $"n_embd {size} is not a multiple of n_head {heads}, and head_size is not given");

    private static QueryKeyNorm Normalization(FieldReader fields)
    {
        var kind = fields.Word(QueryKeyNorms, "norm_qk_type") ?? QueryKeyNorm.PerHead;
        return fields.Flag("norm_qk") == true ? kind : QueryKeyNorm.None;
    }

    private static ExpertConfiguration? Experts(FieldReader fields, MlpKind mlp, int width)
    {
        // A model without experts is saved with zeros here, and with the defaults of the others.
        var (count, perToken) = (fields.Take("n_expert"), fields.Take("n_expert_per_token"));
        var (own, normalizes) = (fields.Count("moe_intermediate_size"), fields.Flag("norm_topk_prob"));
        if (mlp != MlpKind.LlamaMoe)
        {
            return null;
        }

        var experts = new ExpertConfiguration(
            fields.Count("n_expert") ?? 0,
            fields.Count("n_expert_per_token") ?? 0,
            own ?? width)
        { NormalizesWeights = normalizes ?? false };
        return experts.PerToken >= 1 && experts.PerToken <= experts.Count
            ? experts
            : throw new MigrationException(
                FailureKind.Malformed,
                $"LLaMAMoE with n_expert {count?.Text ?? "null"} and n_expert_per_token {perToken?.Text ?? "null"}, expected at least "
                + "as many experts as a token passes through, and one at least");
    }
}
