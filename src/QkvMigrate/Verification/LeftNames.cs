using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Looks into the second file alone: no name of the old age may be left there with a tensor of any sort under it, whether
/// this tool can read that tensor or not, and names of both ages never stand together.
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
    /// <param name="direction">The way; null where nothing changes.</param>
    /// <param name="log">Takes what is found.</param>
    public static void Find(Checkpoint upgraded, MigrationDirection? direction, DifferenceLog log)
    {
        var (legacy, current) = (Names(upgraded, legacy: true), Names(upgraded, legacy: false));
        if (legacy.FirstOrDefault() is { } old && current.FirstOrDefault() is { } young)
        {
            log.Add($"'{old}'", $"a name of the old layout, and '{young}' of the new one: names of both ages stand in one file");
        }

        if (direction is { } way)
        {
            foreach (var name in way == MigrationDirection.Upgrade ? legacy : current)
            {
                log.Add($"'{name}'", $"{way.ToString().ToLowerInvariant()}d, the file still has what is like a tensor under this name");
            }

            foreach (var tensor in upgraded.Tensors.Where(tensor => tensor.Name is { Text: var key } && IsSpelled(key, way == MigrationDirection.Upgrade)))
            {
                log.Add($"'{tensor.Label}'", $"{way.ToString().ToLowerInvariant()}d, the file still has a tensor under this name, which is that of a fused one apart from its dots");
            }
        }
    }

    /// <summary>What is like a tensor, is none that can be read, and stands under a name of the given age, or below one.</summary>
    public static IEnumerable<OtherValue> Unmoved(Checkpoint checkpoint, bool legacy) =>
        checkpoint.OtherValues.Where(value => value.IsTensorLike && (FusedName.Find(value.Key, legacy) ?? FusedName.Find(Joined(value.Label), legacy)) is not null);

    /// <summary>
    /// Whether a key is the name of a fused tensor but for what stands between its components: <c>h0attnattnweight</c>,
    /// <c>h_0_attn_attn_weight</c>. Read with dots at every place where LitGPT has them, it is one.
    /// </summary>
    private static bool IsSpelled(string key, bool legacy)
    {
        if (!key.Contains("attn", StringComparison.Ordinal) || FusedName.Find(key, legacy) is not null)
        {
            return false;
        }

        var text = new string([.. key.Where(char.IsAsciiLetterOrDigit)]);
        foreach (var wrapper in (string[])["checkpointwrappedmodule", "fsdpwrappedmodule", "forwardmodule", "fpwmodule", "origmod", "module"])
        {
            text = text.Replace(wrapper, "", StringComparison.Ordinal);
        }

        var name = legacy ? "attnattn" : "attnqkv";
        var at = text.LastIndexOf(name, StringComparison.Ordinal);
        var digits = 0;
        while (digits < at && char.IsAsciiDigit(text[at - 1 - digits]))
        {
            digits++;
        }

        return digits > 0 && digits < at && text[at - 1 - digits] == 'h' && Suffixes.Contains(text[(at + name.Length)..]);
    }

    /// <summary>The labels of all that is like a tensor under names of the given age.</summary>
    private static IEnumerable<string> Names(Checkpoint checkpoint, bool legacy) =>
        checkpoint.Tensors.Where(tensor => IsOf(tensor, legacy)).Select(tensor => tensor.Label)
            .Concat(Unmoved(checkpoint, legacy).Select(value => value.Label));

    private static bool IsOf(TensorEntry tensor, bool legacy) =>
        tensor.Name is { Text: var key } && (FusedName.Find(key, legacy) is not null || (IsOfModule(tensor) && FusedName.Find(Joined(tensor.Label), legacy) is not null));

    private static bool IsOfModule(TensorEntry tensor) => tensor.Container.Path.EndsWith("/_parameters", StringComparison.Ordinal) || tensor.Container.Path.EndsWith("/_buffers", StringComparison.Ordinal);

    private static string Joined(string label) => string.Join('.', label.Split('/').Where(step => !Joints.Contains(step)));
}
