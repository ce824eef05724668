namespace QkvMigrate.Verification;

/// <summary>The dimension of a tensor along which the rows of q, k and v stand.</summary>
/// <param name="Dimension">The dimension.</param>
/// <param name="IsPacked">Whether an element holds several rows.</param>
internal readonly record struct FusedAxis(int Dimension, bool IsPacked)
{
    private static readonly HashSet<string> KnownSuffixes =
    [
        "weight", "bias", "linear.weight", "linear.bias", "adapter_bias", "adapter_scale", "quant_weight", "scales", "zeros",
        "qweight", "qzeros", "g_idx", "lora_A", "lora_B",
    ];

    /// <summary>
    /// Says how a tensor under the fused module follows the rows, from its suffix: AutoGPTQ's <c>QuantLinear</c> keeps
    /// output features in the last dimension and packs those of <c>qzeros</c>; everything else that LitGPT put there
    /// has them in the first. LoRA's own matrices have the rows of q, k and v one after the other in either layout.
    /// </summary>
    /// <param name="suffix">The key behind the module's name.</param>
    /// <param name="rank">Dimensions of the tensor.</param>
    /// <param name="isAutoGptq">Whether the module has a <c>qweight</c>.</param>
    /// <param name="axis">The dimension, or null where the tensor has none of the rows.</param>
    /// <returns>False where nothing is known of such a tensor.</returns>
    public static bool TryFind(string suffix, int rank, bool isAutoGptq, out FusedAxis? axis)
    {
        axis = suffix switch
        {
            "g_idx" or "lora_A" or "lora_B" => null,
            "qweight" => new FusedAxis(rank - 1, IsPacked: false),
            "scales" when isAutoGptq => new FusedAxis(rank - 1, IsPacked: false),
            "qzeros" => new FusedAxis(rank - 1, IsPacked: true),
            _ => new FusedAxis(0, IsPacked: false),
        };
        return rank > 0 && KnownSuffixes.Contains(suffix);
    }
}
