using QkvMigrate.Attention;

namespace QkvMigrate.Layouts;

/// <summary>The table of layout families. Where a file has names of several, the first decides; two of LitGPT's are refused.</summary>
public static class LayoutFamilies
{
    private static readonly FusedTensorRule[] LitGptTensors =
    [
        new("weight", 0, "litgpt/model.py, CausalSelfAttention"),
        new("bias", 0, "litgpt/model.py, CausalSelfAttention with config.bias or config.attn_bias"),
        new("linear.weight", 0, "litgpt/lora.py, LoRAQKVLinear.linear; litgpt/adapter_v2.py, AdapterV2Linear.linear"),
        new("linear.bias", 0, "litgpt/lora.py, LoRAQKVLinear.linear; litgpt/adapter_v2.py, AdapterV2Linear.linear"),
        new("lora_A", null, "litgpt/lora.py, LoRAQKVLinear: (enabled·r, in_features), the rows of q, k and v in this order"),
        new("lora_B", null, "litgpt/lora.py, LoRAQKVLinear: (rows of the enabled ones, r), in the order q, k, v"),
        new("adapter_bias", 0, "litgpt/adapter_v2.py, AdapterV2Linear: one for each output feature"),
        new("adapter_scale", 0, "litgpt/adapter_v2.py, AdapterV2Linear: one for each output feature"),
        new("quant_weight", 0, "lit-gpt of 2023, quantize/gptq.py, ColBlockQuantizedLinear: (out_features, in_features·bits/8), column-major"),
        new("scales", 0, "lit-gpt of 2023, quantize/gptq.py, ColBlockQuantizedLinear: (out_features, tiles)"),
        new("zeros", 0, "lit-gpt of 2023, quantize/gptq.py, ColBlockQuantizedLinear: (out_features, tiles)"),
        new("qweight", -1, "AutoGPTQ, QuantLinear: (in_features/pack, out_features)"),
        new("scales", -1, "AutoGPTQ, QuantLinear: (groups, out_features)") { Beside = "qweight" },
        new("qzeros", -1, "AutoGPTQ, QuantLinear: (groups, out_features/pack)") { IsPacked = true },
        new("g_idx", null, "AutoGPTQ, QuantLinear: (in_features)"),
    ];

    private static readonly FusedTensorRule[] LinearTensors =
    [
        new("weight", 0, "torch/nn/modules/linear.py, Linear"),
        new("bias", 0, "torch/nn/modules/linear.py, Linear"),
    ];

    /// <summary>LitGPT's from 2023-03 to 2024-12 (lit_gpt/model.py, <c>CausalSelfAttention.attn</c> within the block's <c>attn</c>).</summary>
    public static LayoutFamily Interleaved { get; } = new()
    {
        Name = "interleaved",
        Module = "attn.attn",
        Projection = "attn.proj.weight",
        Rows = RowOrder.Interleaved,
        Rules = LitGptTensors,
        Age = LitGptAge.Legacy,
        Description = "interleaved (attn.attn), LitGPT's before 0.5.4",
        NothingToDo = "already interleaved (attn.attn)",
    };

    /// <summary>LitGPT's since pull request #1013 (litgpt/model.py, <c>CausalSelfAttention.qkv</c>).</summary>
    public static LayoutFamily Sequential { get; } = new()
    {
        Name = "sequential",
        Module = "attn.qkv",
        Projection = "attn.proj.weight",
        Rows = RowOrder.Sequential,
        Rules = LitGptTensors,
        Age = LitGptAge.Current,
        Description = "sequential (attn.qkv), LitGPT's since 0.5.4",
        NothingToDo = "already sequential (attn.qkv)",
    };

    /// <summary>nanoGPT's and lit-llama's, sequential from the start.</summary>
    public static LayoutFamily CAttention { get; } = new()
    {
        Name = "foreign",
        Module = "attn.c_attn",
        Rows = RowOrder.Sequential,
        Rules = LitGptTensors,
        Description = "sequential (attn.c_attn), nanoGPT's and lit-llama's",
        NothingToDo = "fused attention under attn.c_attn (nanoGPT, lit-llama) is sequential from the start and not LitGPT's",
    };

    /// <summary>
    /// Hugging Face's GPT-NeoX (transformers, models/gpt_neox/modeling_gpt_neox.py, <c>GPTNeoXAttention</c>): q, k and v of each head in
    /// turn.
    /// </summary>
    public static LayoutFamily GptNeoX { get; } = new()
    {
        Name = "gpt-neox",
        Module = "attention.query_key_value",
        Projection = "attention.dense.weight",
        Rows = new RowOrder("per-head", [[QkvSection.Query, QkvSection.Key, QkvSection.Value]]),
        Rules = LinearTensors,
        Description = "per head (attention.query_key_value), Hugging Face's GPT-NeoX",
        NothingToDo = "fused attention under attention.query_key_value (Hugging Face's GPT-NeoX) is not LitGPT's",
    };

    /// <summary>
    /// Megatron-Core's (megatron/core/transformer/attention.py, <c>SelfAttention.linear_qkv</c>): q, k and v of each query group in turn,
    /// as legacy LitGPT has them.
    /// </summary>
    public static LayoutFamily MegatronCore { get; } = new()
    {
        Name = "megatron-core",
        Module = "self_attention.linear_qkv",
        Projection = "self_attention.linear_proj.weight",
        Rows = new RowOrder("per-group", [[QkvSection.Query, QkvSection.Key, QkvSection.Value]]),
        Rules = LinearTensors,
        Description = "per query group (self_attention.linear_qkv), Megatron-Core's",
        NothingToDo = "fused attention under self_attention.linear_qkv (Megatron-Core) is not LitGPT's",
    };

    /// <summary>No fused attention.</summary>
    public static LayoutFamily None { get; } = new()
    {
        Name = "none",
        Module = "",
        Description = "no fused attention in it",
        NothingToDo = "no fused attention in it",
    };

    /// <summary>The families that names are held against, in this order.</summary>
    public static IReadOnlyList<LayoutFamily> All { get; } = [Interleaved, Sequential, CAttention, GptNeoX, MegatronCore];

    /// <summary>The family of a word, or null.</summary>
    public static LayoutFamily? Named(string name) => All.Append(None).FirstOrDefault(family => family.Name == name);
}
