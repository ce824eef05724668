namespace QkvMigrate.Layouts;

/// <summary>
/// Names of fused tensors whose dots were taken out or replaced, since PyTorch takes none in the names of buffers and
/// parameters: <c>transformerh0attnattnweight</c> in averages (LitEma of the latent diffusion models), <c>transformer_h_0_attn_attn_weight</c>
/// in a ParameterDict, slashes in JAX's trees.
/// </summary>
internal static class SpelledName
{
    /// <summary>The name of a block of LitGPT's ends in it and a number.</summary>
    private const char Block = 'h';

    /// <summary>The names of wrappers, letters alone, the longest first. The shortest one of all may be a part of any word.</summary>
    private static readonly IReadOnlyList<string> Wrappers =
        [.. WrapperNames.All.Where(name => name.Length > 3).Select(Letters).OrderByDescending(name => name.Length)];

    /// <summary>Whether <paramref name="key"/> is the name of a fused tensor of a layout, apart from what parts its components.</summary>
    public static bool IsFused(string key, LayoutFamily layout)
    {
        if (!layout.IsLitGpts || !key.Contains(layout.ModuleName, StringComparison.Ordinal))
        {
            return false;
        }

        var letters = Wrappers.Aggregate(Letters(key), (text, wrapper) => text.Replace(wrapper, "", StringComparison.Ordinal));
        var module = Letters(layout.Module);
        var start = letters.LastIndexOf(module, StringComparison.Ordinal);
        var block = start < 0 ? "" : letters[..start].TrimEnd(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        return block.Length < start && block.EndsWith(Block) && layout.Rules.Any(rule => Letters(rule.Suffix) == letters[(start + module.Length)..]);
    }

    private static string Letters(string name) => new(Array.FindAll(name.ToCharArray(), char.IsAsciiLetterOrDigit));
}
