using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Looks into the second file alone. No tensor, whether this tool can read it or not, may still have a name of the layout that
/// the file had before; and names of both layouts never stand together.
/// </summary>
internal static class LeftNames
{
    /// <summary>What a pickle puts between an object and its parts, and PyTorch between a module and its own.</summary>
    private static readonly HashSet<string> Joints = ["(state)", "(arguments)", "_modules", "_parameters", "_buffers"];

    /// <summary>What stands behind a fused module in a state dict of LitGPT's, letters alone.</summary>
    private static readonly HashSet<string> Suffixes =
        ["weight", "bias", "linearweight", "linearbias", "loraA", "loraB", "adapterbias", "adapterscale", "quantweight", "scales", "zeros", "qweight", "qzeros", "gidx"];

    /// <summary>Looks for such names.</summary>
    /// <param name="upgraded">The second file.</param>
    /// <param name="change">What was made of the first file; null where nothing changes.</param>
    /// <param name="log">Takes what is found.</param>
    public static void Find(Checkpoint upgraded, VerifiedChange? change, DifferenceLog log)
    {
        var first = VerifiedLayouts.All
            .Select(layout => (layout.Age, Name: Names(upgraded, layout).FirstOrDefault()))
            .Where(found => found.Name is not null)
            .ToList();
        if (first is [var before, var after, ..])
        {
            log.Add($"'{before.Name}'", $"a name of the {before.Age} layout, and '{after.Name}' of the {after.Age} one: names of both ages stand in one file");
        }

        if (change is null)
        {
            return;
        }

        foreach (var name in Names(upgraded, change.From))
        {
            log.Add($"'{name}'", $"the file was {change.PastTense}, and a tensor-like value still has this name");
        }

        foreach (var tensor in upgraded.Tensors.Where(tensor => tensor.Name is { Text: var key } && IsSpelled(key, change.From)))
        {
            log.Add(
                $"'{tensor.Label}'",
                $"the file was {change.PastTense}, and a tensor still has this name, which is that of a fused one apart from its dots");
        }
    }

    /// <summary>The tensor-like values that cannot be read and stand under a name of a layout, or below one.</summary>
    public static IEnumerable<OtherValue> Unmoved(Checkpoint checkpoint, VerifiedLayout layout) =>
        checkpoint.OtherValues.Where(
            value => value.IsTensorLike && (FusedName.Find(value.Key, layout) ?? FusedName.Find(Joined(value.Label), layout)) is not null);

    /// <summary>
    /// Whether a key is the name of a fused tensor but for what stands between its components: <c>h0attnattnweight</c>,
    /// <c>h_0_attn_attn_weight</c>. Read with dots at every place where LitGPT has them, it is one.
    /// </summary>
    public static bool IsSpelled(string key, VerifiedLayout layout)
    {
        if (!key.Contains(FusedName.Block, StringComparison.Ordinal) || FusedName.Find(key, layout) is not null)
        {
            return false;
        }

        var text = new string(Array.FindAll(key.ToCharArray(), char.IsAsciiLetterOrDigit));
        foreach (var wrapper in (string[])["checkpointwrappedmodule", "fsdpwrappedmodule", "forwardmodule", "fpwmodule", "origmod", "module"])
        {
            text = text.Replace(wrapper, "", StringComparison.Ordinal);
        }

        var name = FusedName.Block + layout.Module;
        var at = text.LastIndexOf(name, StringComparison.Ordinal);
        var digits = 0;
        while (digits < at && char.IsAsciiDigit(text[at - 1 - digits]))
        {
            digits++;
        }

        return digits > 0 && digits < at && text[at - 1 - digits] == 'h' && Suffixes.Contains(text[(at + name.Length)..]);
    }

    /// <summary>The labels of all that is like a tensor under names of a layout.</summary>
    private static IEnumerable<string> Names(Checkpoint checkpoint, VerifiedLayout layout) =>
        checkpoint.Tensors.Where(tensor => IsOf(tensor, layout)).Select(tensor => tensor.Label)
            .Concat(Unmoved(checkpoint, layout).Select(value => value.Label));

    private static bool IsOf(TensorEntry tensor, VerifiedLayout layout) =>
        tensor.Name is { Text: var key }
        && (FusedName.Find(key, layout) is not null || (IsOfModule(tensor) && FusedName.Find(Joined(tensor.Label), layout) is not null));

    private static bool IsOfModule(TensorEntry tensor) =>
        tensor.Container.Path.EndsWith("/_parameters", StringComparison.Ordinal) || tensor.Container.Path.EndsWith("/_buffers", StringComparison.Ordinal);

    private static string Joined(string label) => string.Join('.', label.Split('/').Where(step => !Joints.Contains(step)));
}
