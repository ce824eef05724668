using System.Buffers.Binary;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Testing.Checkpoints;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>Small models of LitGPT's, one for each family of Hugging Face's, with a distinct value in every element.</summary>
internal static class ModelOfAFamily
{
    private const string Llama = """
        n_layer: 2
        n_head: 6
        n_query_groups: 2
        head_size: 4
        n_embd: 20
        intermediate_size: 28
        vocab_size: 30
        padded_vocab_size: 32
        block_size: 64
        norm_class_name: RMSNorm
        mlp_class_name: LLaMAMLP
        bias: false
        parallel_residual: false
        shared_attention_norm: false
        rotary_percentage: 1.0
        rope_base: 5000

        """;

    private const string Gemma = "mlp_class_name: GemmaMLP\nscale_embeddings: true\ngelu_approximate: tanh\n";

    private const string FourNorms = "post_attention_norm: true\npost_mlp_norm: true\nsliding_window_size: 8\nsliding_window_indices: [1, 0]\nattention_scores_scalar: 24\n";

    /// <summary>GPT-NeoX's blocks: as many query groups as heads, heads as wide as the model.</summary>
    private const string Neox = "n_layer: 2\nn_head: 5\nn_embd: 20\nvocab_size: 30\npadded_vocab_size: 32\nblock_size: 64\nrotary_percentage: 0.5\nnorm_eps: 2.0e-05\n";

    private const string Square = "n_head: 5\nn_query_groups: 5\nhead_size: 4\n";

    private static readonly Dictionary<string, string> Texts = new()
    {
        ["GPTNeoXForCausalLM"] = $"name: pythia-mini\n{Neox}",
        ["FalconForCausalLM"] = $"name: tiiuae-falcon-40b-mini\n{Neox}n_query_groups: 1\nbias: false\nrotary_percentage: 1.0\n",
        ["FalconForCausalLM of 7B"] = $"name: falcon-7b-mini\n{Neox}n_query_groups: 1\nbias: false\nrotary_percentage: 1.0\nshared_attention_norm: true\n",
        ["LlamaForCausalLM"] = $"name: mini\n{Llama}rope_adjustments: {{factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_max_seq_len: 32}}\n",
        ["MistralForCausalLM"] = $"name: Mistral-mini\n{Llama}sliding_window_size: 8\n",
        ["MixtralForCausalLM"] = $"name: mini-moe\n{Llama}mlp_class_name: LLaMAMoE\nn_expert: 3\nn_expert_per_token: 2\n",
        ["Qwen2ForCausalLM"] = $"name: Qwen2.5-mini\n{Llama}attn_bias: true\n",
        ["Qwen3ForCausalLM"] = $"name: Qwen3-mini\n{Llama}norm_qk: true\n",
        ["Qwen3MoeForCausalLM"] = $"name: Qwen3-mini-moe\n{Llama}norm_qk: true\nmlp_class_name: LLaMAMoE\nmoe_intermediate_size: 12\nn_expert: 3\nn_expert_per_token: 2\nnorm_topk_prob: true\n",
        ["OlmoForCausalLM"] = $"name: OLMo-mini-hf\n{Llama}{Square}norm_class_name: LayerNorm\n",
        ["Olmo2ForCausalLM"] = $"name: OLMo-2-mini\n{Llama}{Square}norm_1: false\nnorm_2: false\npost_attention_norm: true\npost_mlp_norm: true\nnorm_qk: true\nnorm_qk_type: olmo2\n",
        ["StableLmForCausalLM"] = $"name: stablelm-mini\n{Llama}{Square}norm_class_name: LayerNorm\nrotary_percentage: 0.5\n",
        ["GemmaForCausalLM"] = $"name: Gemma-2b-mini\n{Llama}{Gemma}",
        ["Gemma2ForCausalLM"] = $"name: Gemma-2-mini\n{Llama}{Gemma}{FourNorms}attention_logit_softcapping: 50.0\nfinal_logit_softcapping: 30.0\n",
        ["Gemma3ForCausalLM"] = $"name: Gemma-3-mini\n{Llama}{Gemma}{FourNorms}norm_qk: true\nrope_local_base_freq: 1000\nrope_indices: [1, 0]\n",
        ["Phi3ForCausalLM"] = $"name: Phi-3-mini\n{Llama}{Square}sliding_window_size: 16\n",
        ["Phi3ForCausalLM of Phi 4 mini"] = $"name: Phi-4-mini-instruct\n{Llama}n_embd: 24\nrotary_percentage: 0.5\n",
        ["PhiForCausalLM"] = $"name: phi-2\n{Neox}shared_attention_norm: true\nlm_head_bias: true\n",
    };

    /// <summary>The class of Hugging Face's models that each is to become, and where there are two, which.</summary>
    public static IEnumerable<string> All => Texts.Keys;

    /// <summary>LitGPT's <c>model_config.yaml</c>; of a field that is said twice, the last.</summary>
    public static string Configuration(string family) =>
        string.Concat(Texts[family].Split('\n', StringSplitOptions.RemoveEmptyEntries).GroupBy(line => line.Split(':')[0]).Select(lines => $"{lines.Last()}\n"));

    /// <summary>Writes the checkpoint and its configuration into a folder.</summary>
    /// <param name="family">One of <see cref="All"/>.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="isLegacy">Whether the fused rows have their names of before 0.5.4.</param>
    public static void Write(string family, string folder, bool isLegacy)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model_config.yaml"), Configuration(family));
        var model = ModelFields.Parse(Configuration(family), _ => { });
        var parameters = ModelParameters.Of(model).Select(parameter => (
            Name: isLegacy ? parameter.Name.Replace(".attn.qkv.", ".attn.attn.", StringComparison.Ordinal) : parameter.Name,
            "F32",
            Shape: parameter.Shape.Select(size => (int)size).ToArray())).ToList();
        var values = new byte[parameters.Sum(parameter => parameter.Shape.Aggregate(1, (product, size) => product * size)) * sizeof(float)];
        for (var i = 0; i < values.Length / sizeof(float); i++)
        {
            // Neighbours differ in bfloat16 too, and no value has zeros where that ends.
            BinaryPrimitives.WriteSingleLittleEndian(values.AsSpan(i * sizeof(float)), (i % 2 == 0 ? 1 : -1) * (1 + (i * 0.0123456789f)));
        }

        File.WriteAllBytes(Path.Combine(folder, "lit_model.safetensors"), SafetensorsFile.Write(parameters, sizeof(float), values));
    }
}
