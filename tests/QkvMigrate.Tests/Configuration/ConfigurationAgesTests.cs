using System.Text;
using QkvMigrate.Configuration;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>
/// A configuration of each age, as LitGPT saved it then: <c>json.dump(config.__dict__)</c> and <c>json.dump(asdict(config))</c>
/// to 2024-03, <c>yaml.dump(asdict(config))</c>, which sorts, since. Each comes out with fields that LitGPT's head takes.
/// </summary>
public sealed class ConfigurationAgesTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-ages-");

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>2023-06: <c>lit_parrot/config.py</c>, which knew no names.</summary>
    [Fact]
    public void Lit_parrot() => Becomes(
        """{"block_size": 2048, "vocab_size": 50254, "padding_multiple": 128, "padded_vocab_size": 50304, "n_layer": 6, "n_head": 8, "n_embd": 512, "rotary_percentage": 0.25, "parallel_residual": true, "bias": true, "n_query_groups": 8, "shared_attention_norm": false}""",
        """
        #qkvmigrate+ made from lit_config.json
        block_size: 2048
        vocab_size: 50254
        padding_multiple: 128
        padded_vocab_size: 50304
        n_layer: 6
        n_head: 8
        n_embd: 512
        rotary_percentage: 0.25
        parallel_residual: true
        bias: true
        n_query_groups: 8
        shared_attention_norm: false

        """);

    /// <summary>2023-08: <c>lit_gpt/config.py</c> with <c>org</c>, the underscored classes and <c>condense_ratio</c>.</summary>
    [Fact]
    public void LitGPT_of_summer_2023() => Becomes(
        """{"org": "lmsys", "name": "longchat-7b-16k", "block_size": 16384, "vocab_size": 32000, "padding_multiple": 64, "padded_vocab_size": 32000, "n_layer": 32, "n_head": 32, "n_embd": 4096, "rotary_percentage": 1.0, "parallel_residual": false, "bias": false, "n_query_groups": 32, "shared_attention_norm": false, "_norm_class": "RMSNorm", "norm_eps": 1e-06, "_mlp_class": "LLaMAMLP", "intermediate_size": 11008, "condense_ratio": 8}""",
        """
        #qkvmigrate+ made from lit_config.json
        #qkvmigrate- org: "lmsys"
        hf_config: {name: "longchat-7b-16k", org: "lmsys"}  #qkvmigrate+
        name: "longchat-7b-16k"
        block_size: 16384
        vocab_size: 32000
        padding_multiple: 64
        padded_vocab_size: 32000
        n_layer: 32
        n_head: 32
        n_embd: 4096
        rotary_percentage: 1.0
        parallel_residual: false
        bias: false
        n_query_groups: 32
        shared_attention_norm: false
        #qkvmigrate- _norm_class: "RMSNorm"
        norm_class_name: "RMSNorm"  #qkvmigrate+
        norm_eps: 1.0e-06
        #qkvmigrate- _mlp_class: "LLaMAMLP"
        mlp_class_name: "LLaMAMLP"  #qkvmigrate+
        intermediate_size: 11008
        #qkvmigrate- condense_ratio: 8
        rope_condense_ratio: 8  #qkvmigrate+

        """);

    /// <summary>2024-02: <c>lit_gpt/config.py</c> with <c>hf_config</c>, <c>head_size</c> and experts.</summary>
    [Fact]
    public void LitGPT_of_winter_2024() => Becomes(
        """{"name": "Gemma-2b", "hf_config": {"org": "google", "name": "gemma-2b"}, "scale_embeddings": true, "block_size": 8192, "vocab_size": 256000, "padding_multiple": 64, "padded_vocab_size": 256000, "n_layer": 18, "n_head": 8, "head_size": 256, "n_embd": 2048, "rotary_percentage": 1.0, "parallel_residual": false, "bias": false, "lm_head_bias": false, "n_query_groups": 1, "shared_attention_norm": false, "_norm_class": "RMSNorm", "norm_eps": 1e-05, "_mlp_class": "GemmaMLP", "intermediate_size": 16384, "rope_condense_ratio": 1, "rope_base": 10000, "n_expert": 0, "n_expert_per_token": 0, "rope_n_elem": 256}""",
        """
        #qkvmigrate+ made from lit_config.json
        name: "Gemma-2b"
        hf_config: {"org": "google", "name": "gemma-2b"}
        scale_embeddings: true
        block_size: 8192
        vocab_size: 256000
        padding_multiple: 64
        padded_vocab_size: 256000
        n_layer: 18
        n_head: 8
        head_size: 256
        n_embd: 2048
        rotary_percentage: 1.0
        parallel_residual: false
        bias: false
        lm_head_bias: false
        n_query_groups: 1
        shared_attention_norm: false
        #qkvmigrate- _norm_class: "RMSNorm"
        norm_class_name: "RMSNorm"  #qkvmigrate+
        norm_eps: 1.0e-05
        #qkvmigrate- _mlp_class: "GemmaMLP"
        mlp_class_name: "GemmaMLP"  #qkvmigrate+
        intermediate_size: 16384
        rope_condense_ratio: 1
        rope_base: 10000
        n_expert: 0
        n_expert_per_token: 0
        #qkvmigrate- rope_n_elem: 256

        """);

    /// <summary>2024-03 to 2024-06: <c>litgpt/config.py</c>, whose fields are all still there.</summary>
    [Fact]
    public void LitGPT_of_spring_2024_needs_nothing()
    {
        Write("model_config.yaml", Spring2024);
        var plan = ConfigurationRewrite.PlanUpgrade(folder.FullName);
        Assert.Empty(plan.Files);
        Assert.Empty(plan.Changes);
        Assert.Empty(plan.Advice);
    }

    /// <summary>2024-07 to 2024-12: <c>Config.__post_init__</c> saved the stride of Gemma 2's windows, 2.</summary>
    [Fact]
    public void LitGPT_of_autumn_2024() => Changes(
        Autumn2024,
        "sliding_window_layer_placing: 2\n",
        "#qkvmigrate- sliding_window_layer_placing: 2\nsliding_window_indices: [1, 0, 1]  #qkvmigrate+\n");

    /// <summary>The same for a model without windows.</summary>
    [Fact]
    public void LitGPT_of_autumn_2024_without_windows() => Changes(
        Autumn2024.Replace("placing: 2\nsliding_window_size: 4096", "placing: null\nsliding_window_size: null", StringComparison.Ordinal),
        "sliding_window_layer_placing: null\n",
        "#qkvmigrate- sliding_window_layer_placing: null\n");

    private const string Spring2024 =
        """
        bias: true
        block_size: 2048
        gelu_approximate: none
        head_size: 64
        hf_config:
          name: pythia-70m
          org: EleutherAI
        intermediate_size: 2048
        lm_head_bias: false
        mlp_class_name: GptNeoxMLP
        n_embd: 512
        n_expert: 0
        n_expert_per_token: 0
        n_head: 8
        n_layer: 6
        n_query_groups: 8
        name: pythia-70m
        norm_class_name: LayerNorm
        norm_eps: 1.0e-05
        padded_vocab_size: 50304
        padding_multiple: 128
        parallel_residual: true
        rope_base: 10000
        rope_condense_ratio: 1
        rotary_percentage: 0.25
        scale_embeddings: false
        shared_attention_norm: false
        vocab_size: 50254

        """;

    private const string Autumn2024 =
        """
        attention_logit_softcapping: 50.0
        attention_scores_scalar: 256
        bias: false
        block_size: 8192
        final_logit_softcapping: 30.0
        gelu_approximate: tanh
        head_size: 256
        hf_config:
          name: gemma-2-2b
          org: google
        intermediate_size: 9216
        lm_head_bias: false
        mlp_class_name: GemmaMLP
        n_embd: 2304
        n_expert: 0
        n_expert_per_token: 0
        n_head: 8
        n_layer: 3
        n_query_groups: 4
        name: Gemma-2-2b
        norm_class_name: RMSNorm
        norm_eps: 1.0e-05
        padded_vocab_size: 256000
        padding_multiple: 512
        parallel_residual: false
        post_attention_norm: true
        post_mlp_norm: true
        rope_adjustments: null
        rope_base: 10000
        rope_condense_ratio: 1
        rotary_percentage: 1.0
        scale_embeddings: true
        shared_attention_norm: false
        sliding_window_layer_placing: 2
        sliding_window_size: 4096
        vocab_size: 256000

        """;

    /// <summary>A JSON file becomes a YAML file, and <c>downgrade</c> takes that away again.</summary>
    private void Becomes(string json, string yaml)
    {
        Write("lit_config.json", json);
        var upgraded = Upgrade();
        Assert.Equal(yaml, upgraded);
        Write("model_config.yaml", upgraded);
        var gone = Assert.Single(ConfigurationRewrite.PlanDowngrade(folder.FullName).Files);
        Assert.Equal(("model_config.yaml", null), (gone.Name, gone.Content));
    }

    /// <summary>A YAML file keeps all but one line, and <c>downgrade</c> gives it back.</summary>
    private void Changes(string yaml, string line, string lines)
    {
        Write("model_config.yaml", yaml);
        var upgraded = Upgrade();
        Assert.Equal(yaml.Replace(line, lines, StringComparison.Ordinal), upgraded);
        Write("model_config.yaml", upgraded);
        Assert.Equal(yaml, Text(ConfigurationRewrite.PlanDowngrade(folder.FullName)));
    }

    private string Upgrade()
    {
        var text = Text(ConfigurationRewrite.PlanUpgrade(folder.FullName));
        Assert.Subset(ConfigurationFields.Current.ToHashSet(), YamlFields.Parse(text).Select(field => field.Name).ToHashSet());
        return text;
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(folder.FullName, name), text);

    private static string Text(ConfigurationRewrite rewrite) => Encoding.UTF8.GetString(Assert.Single(rewrite.Files).Content!.Value.Span);
}
