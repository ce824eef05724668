using System.Text.Json;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Exporting;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>Each family's table, tensor by tensor and byte by byte, from a sequential and from a legacy checkpoint.</summary>
public sealed class ExportedFamilyTests
{
    private const string Ends = """
        model.embed_tokens.weight = transformer.wte.weight
        model.norm.weight = transformer.ln_f.weight
        lm_head.weight = lm_head.weight
        """;

    private const string TiedEnds = """
        model.embed_tokens.weight = transformer.wte.weight
        model.norm.weight = transformer.ln_f.weight
        """;

    private const string SplitAttention = """
        model.layers.0.self_attn.q_proj.weight = transformer.h.0.attn.qkv.weight[0:16]
        model.layers.0.self_attn.k_proj.weight = transformer.h.0.attn.qkv.weight[16:24]
        model.layers.0.self_attn.v_proj.weight = transformer.h.0.attn.qkv.weight[24:32]
        model.layers.0.self_attn.o_proj.weight = transformer.h.0.attn.proj.weight
        """;

    private const string HeadNorms = """
        model.layers.0.self_attn.q_norm.weight = transformer.h.0.attn.norm_q.weight
        model.layers.0.self_attn.k_norm.weight = transformer.h.0.attn.norm_k.weight
        """;

    private const string GatedMlp = """
        model.layers.0.mlp.gate_proj.weight = transformer.h.0.mlp.fc_1.weight
        model.layers.0.mlp.up_proj.weight = transformer.h.0.mlp.fc_2.weight
        model.layers.0.mlp.down_proj.weight = transformer.h.0.mlp.proj.weight
        """;

    private const string TwoNorms = """
        model.layers.0.input_layernorm.weight = transformer.h.0.norm_1.weight
        model.layers.0.post_attention_layernorm.weight = transformer.h.0.norm_2.weight
        """;

    private const string FourNorms = """
        model.layers.0.input_layernorm.weight = transformer.h.0.norm_1.weight
        model.layers.0.post_attention_layernorm.weight = transformer.h.0.post_attention_norm.weight
        model.layers.0.pre_feedforward_layernorm.weight = transformer.h.0.norm_2.weight
        model.layers.0.post_feedforward_layernorm.weight = transformer.h.0.post_mlp_norm.weight
        """;

    private const string PhiAttention = """
        model.layers.0.self_attn.qkv_proj.weight = transformer.h.0.attn.qkv.weight
        model.layers.0.self_attn.o_proj.weight = transformer.h.0.attn.proj.weight
        model.layers.0.mlp.gate_up_proj.weight = transformer.h.0.mlp.fc_1.weight + transformer.h.0.mlp.fc_2.weight
        model.layers.0.mlp.down_proj.weight = transformer.h.0.mlp.proj.weight
        """;

    private const string FalconBlock = """
        transformer.word_embeddings.weight = transformer.wte.weight
        transformer.h.0.self_attention.dense.weight = transformer.h.0.attn.proj.weight
        transformer.h.0.mlp.dense_h_to_4h.weight = transformer.h.0.mlp.fc.weight
        transformer.h.0.mlp.dense_4h_to_h.weight = transformer.h.0.mlp.proj.weight
        transformer.ln_f.weight = transformer.ln_f.weight
        transformer.ln_f.bias = transformer.ln_f.bias
        lm_head.weight = lm_head.weight
        """;

    private const string Plain = "mlp_class_name: GptNeoxMLP\nnorm_class_name: LayerNorm\nparallel_residual: true\nintermediate_size: 64";

    /// <summary>The family, lines of its configuration, LitGPT's tensors, and what each of Hugging Face's is made of.</summary>
    public static TheoryData<string, string, string, string> Families => new()
    {
        { "LlamaForCausalLM", "", $"{Outer}{Gated}{Normed}", $"{Ends}\n{SplitAttention}\n{GatedMlp}\n{TwoNorms}" },
        { "MistralForCausalLM", "sliding_window_size: 8", $"{Outer}{Gated}{Normed}", $"{Ends}\n{SplitAttention}\n{GatedMlp}\n{TwoNorms}" },
        { "MixtralForCausalLM", "mlp_class_name: LLaMAMoE\nn_expert: 2\nn_expert_per_token: 1", $"{Outer}{Experts}{Normed}", $"{Ends}\n{SplitAttention}\n{TwoNorms}\n{ExpertsAs("block_sparse_moe", "w1", "w3", "w2")}" },
        { "OlmoForCausalLM", "name: OLMo-1B-hf\nnorm_class_name: LayerNorm\nnorm_eps: 1.0e-05", $"{OuterWithoutNorm}{Gated}", $"model.embed_tokens.weight = transformer.wte.weight\nlm_head.weight = lm_head.weight\n{SplitAttention}\n{GatedMlp}" },
        { "StableLmForCausalLM", "name: stablelm-3b-4e1t\nnorm_class_name: LayerNorm\nrotary_percentage: 0.5", $"{Outer}{Gated}{Normed}{Biases("transformer.h.0.norm_1", "transformer.h.0.norm_2", "transformer.ln_f")}", $"{Ends}\n{SplitAttention}\n{GatedMlp}\n{TwoNorms}\nmodel.layers.0.input_layernorm.bias = transformer.h.0.norm_1.bias\nmodel.layers.0.post_attention_layernorm.bias = transformer.h.0.norm_2.bias\nmodel.norm.bias = transformer.ln_f.bias" },
        { "GemmaForCausalLM", "name: Gemma-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true", $"{Outer}{Gated}{Normed}", $"{TiedEnds}\n{SplitAttention}\n{GatedMlp}\n{TwoNorms}" },
        { "Gemma2ForCausalLM", "name: Gemma-2-2b\nmlp_class_name: GemmaMLP\nscale_embeddings: true\npost_attention_norm: true\npost_mlp_norm: true", $"{Outer}{Gated}{Normed}{PostNorms}", $"{TiedEnds}\n{SplitAttention}\n{GatedMlp}\n{FourNorms}" },
        { "Gemma3ForCausalLM", "name: Gemma-3-1b-it\nmlp_class_name: GemmaMLP\nscale_embeddings: true\npost_attention_norm: true\npost_mlp_norm: true\nnorm_qk: true\nsliding_window_size: 8\nsliding_window_indices: [1]\nrope_local_base_freq: 10000\nrope_indices: [1]", $"{Outer}{Gated}{Normed}{PostNorms}{QkNorms(4, 4)}", $"{TiedEnds}\n{SplitAttention}\n{GatedMlp}\n{FourNorms}\n{HeadNorms}" },
        { "PhiForCausalLM", $"name: phi-2\n{Plain}\nbias: true\nlm_head_bias: true\nshared_attention_norm: true\nrotary_percentage: 0.5", $"{Outer}{Ungated}transformer.h.0.norm_1.weight 16\n{Biases("transformer.h.0.norm_1", "transformer.h.0.attn.proj", "transformer.h.0.mlp.proj", "transformer.ln_f")}transformer.h.0.attn.qkv.bias 32\ntransformer.h.0.mlp.fc.bias 64\nlm_head.bias 32\n", """
            model.embed_tokens.weight = transformer.wte.weight
            model.layers.0.input_layernorm.weight = transformer.h.0.norm_1.weight
            model.layers.0.input_layernorm.bias = transformer.h.0.norm_1.bias
            model.layers.0.self_attn.q_proj.weight = transformer.h.0.attn.qkv.weight[0:16]
            model.layers.0.self_attn.k_proj.weight = transformer.h.0.attn.qkv.weight[16:24]
            model.layers.0.self_attn.v_proj.weight = transformer.h.0.attn.qkv.weight[24:32]
            model.layers.0.self_attn.q_proj.bias = transformer.h.0.attn.qkv.bias[0:16]
            model.layers.0.self_attn.k_proj.bias = transformer.h.0.attn.qkv.bias[16:24]
            model.layers.0.self_attn.v_proj.bias = transformer.h.0.attn.qkv.bias[24:32]
            model.layers.0.self_attn.dense.weight = transformer.h.0.attn.proj.weight
            model.layers.0.self_attn.dense.bias = transformer.h.0.attn.proj.bias
            model.layers.0.mlp.fc1.weight = transformer.h.0.mlp.fc.weight
            model.layers.0.mlp.fc1.bias = transformer.h.0.mlp.fc.bias
            model.layers.0.mlp.fc2.weight = transformer.h.0.mlp.proj.weight
            model.layers.0.mlp.fc2.bias = transformer.h.0.mlp.proj.bias
            model.final_layernorm.weight = transformer.ln_f.weight
            model.final_layernorm.bias = transformer.ln_f.bias
            lm_head.weight = lm_head.weight
            lm_head.bias = lm_head.bias
            """ },
        { "Phi3ForCausalLM", "name: Phi-3-mini-4k-instruct\nsliding_window_size: 8", $"{Outer}{Gated}{Normed}", $"{Ends}\n{PhiAttention}\n{TwoNorms}" },
        { "Phi3ForCausalLM", "name: phi-4", $"{Outer}{Gated}{Normed}", $"{Ends}\n{PhiAttention}\n{TwoNorms}" },
        { "Phi3ForCausalLM", "name: Phi-4-mini-instruct\nrotary_percentage: 0.5", $"{Outer}{Gated}{Normed}", $"{TiedEnds}\n{PhiAttention}\n{TwoNorms}" },
        { "Qwen2ForCausalLM", "name: Qwen2.5-0.5B\nattn_bias: true", $"{Outer}{Gated}{Normed}transformer.h.0.attn.qkv.bias 32\n", $"{Ends}\n{SplitAttention}\n{GatedMlp}\n{TwoNorms}\nmodel.layers.0.self_attn.q_proj.bias = transformer.h.0.attn.qkv.bias[0:16]\nmodel.layers.0.self_attn.k_proj.bias = transformer.h.0.attn.qkv.bias[16:24]\nmodel.layers.0.self_attn.v_proj.bias = transformer.h.0.attn.qkv.bias[24:32]" },
        { "Qwen3ForCausalLM", "name: Qwen3-0.6B\nnorm_qk: true", $"{Outer}{Gated}{Normed}{QkNorms(4, 4)}", $"{Ends}\n{SplitAttention}\n{GatedMlp}\n{TwoNorms}\n{HeadNorms}" },
        { "Qwen3MoeForCausalLM", "name: Qwen3-30B-A3B\nnorm_qk: true\nmlp_class_name: LLaMAMoE\nn_expert: 2\nn_expert_per_token: 1\nmoe_intermediate_size: 24\nintermediate_size: 48", $"{Outer}{Experts}{Normed}{QkNorms(4, 4)}", $"{Ends}\n{SplitAttention}\n{TwoNorms}\n{HeadNorms}\n{ExpertsAs("mlp", "gate_proj", "up_proj", "down_proj")}" },
        { "Olmo2ForCausalLM", "name: OLMo-2-1124-7B\nnorm_qk: true\nnorm_qk_type: olmo2\nnorm_1: false\nnorm_2: false\npost_attention_norm: true\npost_mlp_norm: true", $"{Outer}{Gated}{PostNorms}{QkNorms(16, 8)}", $"{Ends}\n{SplitAttention}\n{GatedMlp}\n{HeadNorms}\nmodel.layers.0.post_attention_layernorm.weight = transformer.h.0.post_attention_norm.weight\nmodel.layers.0.post_feedforward_layernorm.weight = transformer.h.0.post_mlp_norm.weight" },
        { "FalconForCausalLM", $"name: falcon-40b\n{Plain}", $"{Outer}{Ungated}{Normed}{Biases("transformer.h.0.norm_1", "transformer.h.0.norm_2", "transformer.ln_f")}", $"{FalconBlock}\n" + """
            transformer.h.0.self_attention.query_key_value.weight = transformer.h.0.attn.qkv.weight[0:8] + transformer.h.0.attn.qkv.weight[16:20] + transformer.h.0.attn.qkv.weight[24:28] + transformer.h.0.attn.qkv.weight[8:16] + transformer.h.0.attn.qkv.weight[20:24] + transformer.h.0.attn.qkv.weight[28:32]
            transformer.h.0.ln_attn.weight = transformer.h.0.norm_1.weight
            transformer.h.0.ln_attn.bias = transformer.h.0.norm_1.bias
            transformer.h.0.ln_mlp.weight = transformer.h.0.norm_2.weight
            transformer.h.0.ln_mlp.bias = transformer.h.0.norm_2.bias
            """ },
    };

    internal const string OuterWithoutNorm = "transformer.wte.weight 32 16\nlm_head.weight 32 16\ntransformer.h.0.attn.qkv.weight 32 16\ntransformer.h.0.attn.proj.weight 16 16\n";
    internal const string Outer = $"{OuterWithoutNorm}transformer.ln_f.weight 16\n";
    internal const string Gated = "transformer.h.0.mlp.fc_1.weight 24 16\ntransformer.h.0.mlp.fc_2.weight 24 16\ntransformer.h.0.mlp.proj.weight 16 24\n";
    private const string Ungated = "transformer.h.0.mlp.fc.weight 64 16\ntransformer.h.0.mlp.proj.weight 16 64\n";
    internal const string Normed = "transformer.h.0.norm_1.weight 16\ntransformer.h.0.norm_2.weight 16\n";
    private const string PostNorms = "transformer.h.0.post_attention_norm.weight 16\ntransformer.h.0.post_mlp_norm.weight 16\n";

    private static string Experts => "transformer.h.0.mlp.gate.weight 2 16\n" + string.Concat(Enumerable.Range(0, 2).Select(i =>
        $"transformer.h.0.mlp.experts.{i}.fc_1.weight 24 16\ntransformer.h.0.mlp.experts.{i}.fc_2.weight 24 16\ntransformer.h.0.mlp.experts.{i}.proj.weight 16 24\n"));

    [Theory]
    [MemberData(nameof(Families))]
    public void Every_tensor_is_where_the_family_has_it(string architecture, string configuration, string tensors, string expected)
    {
        foreach (var asLegacy in new[] { false, true })
        {
            using var model = new SmallModel(configuration).With(tensors).Write(asLegacy);
            var report = model.Export();
            Assert.True(report.Status == CheckpointStatus.Exported, report.Error?.Message);

            var lines = expected.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => line.Split(" = ")).ToDictionary(line => line[0], line => line[1], StringComparer.Ordinal);
            using var exported = Checkpoint.Open(Path.Combine(model.Output, "model.safetensors"));
            Assert.Equal(lines.Keys.Order(StringComparer.Ordinal), exported.Tensors.Select(tensor => tensor.Name!.Text).Order(StringComparer.Ordinal));
            Assert.All(exported.Tensors, tensor => Assert.Equal(model.Evaluate(lines[tensor.Name!.Text]), exported.Source.Read(tensor.FileOffset, (int)tensor.Extent)), throwIfEmpty: true);

            using var made = JsonDocument.Parse(File.ReadAllText(Path.Combine(model.Output, "config.json")));
            Assert.Equal(architecture, made.RootElement.GetProperty("architectures")[0].GetString());
            Assert.Equal((16, 1, 4, 32), (Number("hidden_size"), Number("num_hidden_layers"), Number("num_attention_heads"), Number("vocab_size")));

            int Number(string field) => made.RootElement.GetProperty(field).GetInt32();
        }
    }

    /// <summary>LitGPT has models with a window, and models of Gemma's, of which only the name or the blocks tell the family.</summary>
    [Theory]
    [InlineData("mine", "sliding_window_size: 8", "mistral")]
    [InlineData("Mistral-7B-v0.1", "", "mistral")]
    [InlineData("mine", "", "llama")]
    [InlineData("mine", "attn_bias: true", "qwen2")]
    [InlineData("mine", "norm_qk: true", "qwen3")]
    [InlineData("my-Gemma", "mlp_class_name: GemmaMLP\nscale_embeddings: true", "gemma")]
    [InlineData("Falcon3-1B-Base", "", "llama")]
    [InlineData("Phi-4-reasoning", "", "phi3")]
    [InlineData("Phi-4-mini-reasoning", "", "phi4-mini")]
    [InlineData("Qwen3-8B", "norm_qk: true", "qwen3")]
    public void Name_and_configuration_tell_the_family(string name, string configuration, string family) =>
        Assert.Equal(family, ModelFamilies.Of(ModelFields.Parse(SmallModel.Configuration($"name: {name}\n{configuration}"), ExportedFeatures.Refuse)).Name);

    [Fact]
    public void Each_family_has_a_file_and_words_for_a_reader() =>
        Assert.All(ModelFamilies.All, family => Assert.True(family is { Title.Length: > 0, Models.Length: > 0, ModelTypes.Count: > 0 }, family.Name), throwIfEmpty: true);

    [Fact]
    public void The_page_of_families_has_each()
    {
        var page = File.ReadAllLines(Repository.At("docs", "export.md"));
        var treatments = new Dictionary<FusedTreatment, string>
        {
            [FusedTreatment.Split] = "split into q, k and v",
            [FusedTreatment.Interleaved] = "kept, interleaved per query group",
            [FusedTreatment.Sequential] = "kept, sequential",
        };
        var rows = ModelFamilies.All.Select(family => $"| {family.Title} | {family.Models} | {treatments[family.Fused]} | {(family.TiesHead ? "the embedding" : "its own")} |").ToList();
        Assert.NotEmpty(rows);
        Assert.Equal(rows, page.SkipWhile(line => line != "| --- | --- | --- | --- |").Skip(1).TakeWhile(line => line.StartsWith('|')));
    }

    private static string Biases(params string[] modules) => string.Concat(modules.Select(module => $"{module}.bias 16\n"));

    private static string QkNorms(int query, int key) => $"transformer.h.0.attn.norm_q.weight {query}\ntransformer.h.0.attn.norm_k.weight {key}\n";

    private static string ExpertsAs(string module, string gate, string up, string down) => $"model.layers.0.{module}.gate.weight = transformer.h.0.mlp.gate.weight\n" + string.Concat(Enumerable.Range(0, 2).Select(i =>
        $"model.layers.0.{module}.experts.{i}.{gate}.weight = transformer.h.0.mlp.experts.{i}.fc_1.weight\nmodel.layers.0.{module}.experts.{i}.{up}.weight = transformer.h.0.mlp.experts.{i}.fc_2.weight\nmodel.layers.0.{module}.experts.{i}.{down}.weight = transformer.h.0.mlp.experts.{i}.proj.weight\n"));
}
