namespace QkvMigrate.Migration;

/// <summary>How a tensor under a fused attention module follows the order of its rows.</summary>
/// <param name="Suffix">The key behind the module's name.</param>
/// <param name="Dimension">The dimension along which the fused rows stand, −1 for the last, or null where the tensor has none of them.</param>
/// <param name="Origin">Where the tensor was defined.</param>
public sealed record FusedTensorRule(string Suffix, int? Dimension, string Origin)
{
    /// <summary>The rule holds only where the module has a tensor of this suffix too; such a rule goes before one without.</summary>
    public string? Beside { get; init; }

    /// <summary>Whether one element holds several output features, so that the dimension is shorter than the rows.</summary>
    public bool IsPacked { get; init; }
}

/// <summary>The names of LitGPT's fused attention module, old and new, and of the tensors under it. Data, not branches.</summary>
public static class FusedNames
{
    /// <summary>The module's name while its rows were interleaved (lit_gpt/model.py, <c>CausalSelfAttention.attn</c>), within the block's <c>attn</c>.</summary>
    public const string Interleaved = "attn.attn";

    /// <summary>The module's name since its rows are sequential (litgpt/model.py since #1013, <c>CausalSelfAttention.qkv</c>).</summary>
    public const string Sequential = "attn.qkv";

    /// <summary>The output projection beside it: its columns are <c>n_head·head_size</c>.</summary>
    public const string Projection = "attn.proj.weight";

    /// <summary>nanoGPT's and lit-llama's fused module, which was sequential from the start and is not LitGPT's.</summary>
    public const string Foreign = "attn.c_attn";

    /// <summary>Every tensor that LitGPT put under the fused module.</summary>
    public static IReadOnlyList<FusedTensorRule> Rules { get; } =
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

    /// <summary>The module's name in one layout or the other.</summary>
    public static string Module(CheckpointLayout layout) => layout == CheckpointLayout.Sequential ? Sequential : Interleaved;

    /// <summary>The rule for a tensor, or null where LitGPT never wrote one of its suffix.</summary>
    /// <param name="suffix">The key behind the module's name.</param>
    /// <param name="siblings">The suffixes of all tensors of the module.</param>
    public static FusedTensorRule? Rule(string suffix, IReadOnlySet<string> siblings) =>
        Rules.FirstOrDefault(rule => rule.Suffix == suffix && rule.Beside is { } other && siblings.Contains(other))
        ?? Rules.FirstOrDefault(rule => rule.Suffix == suffix && rule.Beside is null);

    /// <summary>Whether <see cref="Rule"/> for a suffix depends on which tensors the module has besides.</summary>
    internal static bool HasSiblingRule(string suffix) => Rules.Any(rule => rule.Suffix == suffix && rule.Beside is not null);

    /// <summary>The same key or module path with the module's name in the layout <paramref name="to"/>. Wrappers in it stay where they are.</summary>
    public static string Renamed(string path, CheckpointLayout from, CheckpointLayout to) =>
        TryFind(path, Module(from), out _, out var last, out var end) ? string.Concat(path.AsSpan(0, last), Component(Module(to), Module(to).Length), path.AsSpan(end)) : path;

    /// <summary>
    /// Cuts a key or module path at <paramref name="module"/>, which must stand in it as whole components, with nothing
    /// between them but wrappers (<see cref="WrapperNames"/>). False where it does not. <paramref name="suffix"/> is without
    /// wrappers, and empty where the path ends with the module.
    /// </summary>
    public static bool TrySplit(string path, string module, out string prefix, out string suffix)
    {
        if (!TryFind(path, module, out var start, out _, out var end))
        {
            prefix = suffix = "";
            return false;
        }

        prefix = path[..start];
        suffix = end == path.Length ? "" : WrapperNames.Removed(path[(end + 1)..]);
        return true;
    }

    /// <summary>Finds the last place of a module in a path: where its first and its last component start, and where the last one ends.</summary>
    private static bool TryFind(string path, string module, out int start, out int last, out int end)
    {
        for (end = path.Length; end > 0; end = path.LastIndexOf('.', end - 1))
        {
            if (EndsAt(path, end, module, out start, out last))
            {
                return true;
            }
        }

        start = last = -1;
        return false;
    }

    private static bool EndsAt(string path, int end, string module, out int start, out int last)
    {
        (start, last) = (-1, -1);
        for (var left = module.Length; end >= 0;)
        {
            var component = Component(path, end);
            var expected = Component(module, left);
            start = end - component.Length;
            if (component.SequenceEqual(expected))
            {
                last = last < 0 ? start : last;
                left -= expected.Length + 1;
                if (left < 0)
                {
                    return true;
                }
            }
            else if (last < 0 || !WrapperNames.IsOne(component))
            {
                return false;
            }

            end = start - 1;
        }

        return false;
    }

    /// <summary>The component that ends at <paramref name="end"/>.</summary>
    private static ReadOnlySpan<char> Component(string path, int end)
    {
        var before = path.AsSpan(0, end);
        return before[(before.LastIndexOf('.') + 1)..];
    }
}
