using QkvMigrate.Attention;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Model;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

public sealed class ModelConfigurationReaderTests
{
    [Fact]
    public void What_is_not_given_is_as_in_LitGPT()
    {
        // The defaults of litgpt/config.py: the reader's own and those of the record must be the same.
        Assert.Equal(new ModelConfiguration(), ModelConfigurationReader.Parse("name: ''"));
        Assert.Equal(50688, new ModelConfiguration().PaddedVocabularySize);
    }

    [Fact]
    public void Every_golden_configuration_is_read()
    {
        var read = GoldenLogits.Names.Select(name => ModelConfigurationReader.Find(GoldenLogits.Path(name))!).ToList();
        Assert.Equal(
            [
                (new AttentionGeometry(4, 1, 8), MlpKind.GptNeoxMlp, 128, true, true),
                (new AttentionGeometry(4, 1, 16), MlpKind.GemmaMlp, 64, false, false),
                (new AttentionGeometry(4, 2, 16), MlpKind.GemmaMlp, 64, false, false),
                (new AttentionGeometry(8, 2, 4), MlpKind.LlamaMlp, 48, false, false),
                (new AttentionGeometry(8, 4, 4), MlpKind.LlamaMoe, 40, false, false),
                (new AttentionGeometry(4, 4, 8), MlpKind.GptNeoxMlp, 128, true, false),
            ],
            read.Select(model => (model.Geometry, model.Mlp, model.IntermediateSize, model.ParallelResidual, model.SharedAttentionNorm)));
        Assert.Equal([false, true, true, false, false, false], read.Select(model => model.NormHasUnitOffset));
        Assert.Equal([null, null, null, null, new ExpertConfiguration(4, 2, 40), null], read.Select(model => model.Experts));
    }

    [Fact]
    public void Every_field_has_its_effect()
    {
        var read = ModelConfigurationReader.Parse(
            """
            name: Gemma-of-mine
            hf_config: {name: x, org: y}
            block_size: 77
            n_layer: 3
            n_embd: 24
            vocab_size: 100
            padding_multiple: 64
            padded_vocab_size: null
            norm_class_name: RMSNorm
            norm_eps: 1e-06
            norm_qk: true
            norm_qk_type: olmo2
            norm_1: false
            norm_2: False
            post_attention_norm: true
            post_mlp_norm: true
            parallel_residual: false
            shared_attention_norm: false
            n_head: 6
            head_size: 8
            n_query_groups: 3
            attn_bias: true
            attention_scores_scalar: 24
            attention_logit_softcapping: 50.0
            rope_base: 500000
            rotary_percentage: 0.5
            rope_condense_ratio: 4
            rope_adjustments: {factor: 32.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_max_seq_len: 8192}
            intermediate_size: 96
            moe_intermediate_size: 40
            bias: false
            mlp_class_name: LLaMAMoE
            gelu_approximate: tanh
            n_expert: 4
            n_expert_per_token: 2
            scale_embeddings: true
            lm_head_bias: true
            final_logit_softcapping: 30.0
            """);
        Assert.Equal(
            new ModelConfiguration
            {
                Name = "Gemma-of-mine",
                HuggingFaceName = "y/x",
                BlockSize = 77,
                LayerCount = 3,
                EmbeddingSize = 24,
                VocabularySize = 100,
                PaddedVocabularySize = 128,
                Norm = NormKind.RmsNorm,
                NormEpsilon = 1e-6,
                QueryKeyNorm = QueryKeyNorm.AllHeads,
                HasNorm1 = false,
                HasNorm2 = false,
                PostAttentionNorm = true,
                PostMlpNorm = true,
                ParallelResidual = false,
                Geometry = new AttentionGeometry(6, 3, 8),
                AttentionBias = true,
                AttentionScoresScalar = 24,
                AttentionLogitSoftcapping = 50,
                Rope = new RopeConfiguration { Base = 500000, Percentage = 0.5, CondenseRatio = 4, Adjustments = new RopeAdjustments(32, new Llama3Band(1, 4, 8192)) },
                IntermediateSize = 96,
                Bias = false,
                Mlp = MlpKind.LlamaMoe,
                GeluIsTanh = true,
                Experts = new ExpertConfiguration(4, 2, 40),
                ScaleEmbeddings = true,
                LmHeadBias = true,
                FinalLogitSoftcapping = 30,
            },
            read);
        Assert.Equal(4, read.RotarySize);
        Assert.True(read.NormHasUnitOffset);
    }

    [Fact]
    public void The_names_of_2023_are_read_from_json()
    {
        using var folder = new WorkFolder();
        folder.Write("lit_config.json", """{"org": "EleutherAI", "name": "pythia", "n_embd": 32, "n_head": 4, "condense_ratio": 2, "_norm_class": "RMSNorm", "_mlp_class": "GptNeoxMLP", "n_expert": null}""");
        var read = ModelConfigurationReader.Find(folder.At())!;
        Assert.Equal((2.0, NormKind.RmsNorm, MlpKind.GptNeoxMlp, 8), (read.Rope.CondenseRatio, read.Norm, read.Mlp, read.Geometry.HeadSize));
    }

    [Fact]
    public void The_yaml_goes_before_the_json()
    {
        using var folder = new WorkFolder();
        Assert.Null(ModelConfigurationReader.Find(folder.At()));
        folder.Write("lit_config.json", "{\"n_layer\": 2}");
        folder.Write("model_config.yaml", "n_layer: 3");
        Assert.Equal(3, ModelConfigurationReader.Find(folder.At())!.LayerCount);
    }

    [Theory]
    [InlineData("sliding_window_size: 6", "6666")]
    [InlineData("sliding_window_size: 6\nsliding_window_layer_placing: null", "6666")]
    [InlineData("sliding_window_size: 6\nsliding_window_layer_placing: all", "6666")]
    [InlineData("sliding_window_size: 6\nsliding_window_layer_placing: 1", "6666")]
    [InlineData("sliding_window_size: 6\nsliding_window_layer_placing: interleaved", "6-6-")]
    [InlineData("sliding_window_size: 6\nsliding_window_layer_placing: 2", "6-6-")]
    [InlineData("sliding_window_size: 6\nsliding_window_indices: [0, 1, 1, 0]", "-66-")]
    [InlineData("sliding_window_size: 6\nsliding_window_indices:\n- true\n- false\n- True\n- False", "6-6-")]
    [InlineData("sliding_window_layer_placing: interleaved", "----")]
    [InlineData("sliding_window_indices: [1, 1, 1, 1]", "----")]
    public void The_sliding_window_is_on_its_layers(string fields, string expected)
    {
        var read = ModelConfigurationReader.Parse($"n_layer: 4\n{fields}");
        Assert.Equal(expected, string.Concat(Enumerable.Range(0, 4).Select(layer => read.SlidingWindow?.On(layer)?.ToString() ?? "-")));
    }

    [Theory]
    [InlineData("RMSNorm", "Gemma-2-9b", true, true)]
    [InlineData("RMSNorm", "gemma", false, true)]
    [InlineData("LayerNorm", "Gemma-x", false, true)]
    [InlineData("LayerNorm", "OLMo-1B-hf", false, false)]
    [InlineData("RMSNorm", "OLMo-2-1124-7B", false, true)]
    public void The_name_says_what_a_norm_is(string norm, string name, bool hasOffset, bool hasParameters)
    {
        var read = ModelConfigurationReader.Parse($"name: {name}\nnorm_class_name: {norm}");
        Assert.Equal((hasOffset, hasParameters), (read.NormHasUnitOffset, read.NormHasParameters));
    }

    [Theory]
    [InlineData("{factor: 2.0}", 2.0)]
    [InlineData("{}", null)]
    [InlineData("null", null)]
    public void Rotations_can_be_stretched_evenly_or_not_at_all(string adjustments, double? factor)
    {
        var read = ModelConfigurationReader.Parse($"rope_adjustments: {adjustments}");
        Assert.Equal(factor is { } number ? new RopeAdjustments(number, null) : null, read.Rope.Adjustments);
    }

    [Fact]
    public void Query_and_key_norms_have_two_kinds()
    {
        Assert.Equal(QueryKeyNorm.PerHead, ModelConfigurationReader.Parse("norm_qk: true").QueryKeyNorm);
        Assert.Equal(QueryKeyNorm.None, ModelConfigurationReader.Parse("norm_qk: false\nnorm_qk_type: olmo2").QueryKeyNorm);
    }
}
