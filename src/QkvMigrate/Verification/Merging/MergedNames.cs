namespace QkvMigrate.Verification.Merging;

/// <summary>
/// The names of a LoRA model's weights once it is merged: LitGPT's LoRA layers keep the weight and the bias one module deeper, in
/// <c>linear</c> (litgpt/lora.py, <c>LoRALinear</c>).
/// </summary>
internal static class MergedNames
{
    /// <summary>The module that a merge takes out of the names.</summary>
    public const string Linear = "linear";

    /// <summary>A name without it.</summary>
    public static string Of(string name)
    {
        var end = name.LastIndexOf('.');
        return end >= 0 && name[(end + 1)..] is "weight" or "bias" && name[..end].EndsWith($".{Linear}", StringComparison.Ordinal)
            ? name[..(end - Linear.Length - 1)] + name[end..]
            : name;
    }

    /// <summary>What names a weight whatever its age and whatever wraps its model.</summary>
    public static string Bare(string name) => WrapperParts.Bare(FusedName.Today(name));
}
