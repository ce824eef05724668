using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Tells tensors whose keys say which parameter they are from those that only have a number, or a role under a number
/// (<c>slow_buffer</c>): list items, values under ints, keys such as <c>shadow_params.3</c>.
/// </summary>
internal static class UnnamedTensors
{
    /// <summary>Containers around a tensor that are looked at: a list of groups of dicts has three.</summary>
    private const int Levels = 8;

    private static readonly HashSet<string> Ends =
        [.. LayoutFamilies.All.Where(family => family.IsLitGpts).SelectMany(family => family.Rules.Select(rule => $"{family.ModuleName}.{rule.Suffix}"))];

    /// <summary>
    /// The sequences that <paramref name="tensor"/> is in, from the inside out: each gives numbers to its tensors, or to what
    /// holds them. Empty for a parameter name. A key without dots is a role, not a name.
    /// </summary>
    public static List<UnnamedSequence> Around(TensorEntry tensor)
    {
        var around = new List<UnnamedSequence>();
        if (tensor.Name is not { } name)
        {
            around.Add(new UnnamedSequence(tensor.Container, ""));
        }
        else if (IsNumber(name.Text))
        {
            for (var key = name.Text; IsNumber(key);)
            {
                key = key[..Math.Max(key.LastIndexOf('.'), 0)];
                around.Add(new UnnamedSequence(tensor.Container, key));
            }
        }
        else if (name.Text.Contains('.', StringComparison.Ordinal) && !IsEnd(name.Text))
        {
            return around;
        }

        for (var (at, steps) = (tensor.Container, 0); at.Parent is { } parent && steps < Levels; (at, steps) = (parent, steps + 1))
        {
            if (at.IsNumbered || (at.Key is { } key && IsNumber(key.Text)))
            {
                around.Add(new UnnamedSequence(parent, ""));
            }
        }

        // A key such as param_3 is no name either; the order of the dict is that of the tensors.
        if (tensor.Name is { } role && !IsNumber(role.Text) && IsNoName(role.Text))
        {
            around.Add(new UnnamedSequence(tensor.Container, ""));
        }

        return around;
    }

    /// <summary>Whether a tensor has no parameter's name: none at all, a number, the end of one, or a word without dots.</summary>
    public static bool IsUnnamed(TensorEntry tensor) =>
        tensor.Name is not { Text: var name } || IsNumber(name) || IsEnd(name) || !name.Contains('.', StringComparison.Ordinal);

    /// <summary>Whether a tensor has the elements of weights; masks, codes and indices have others.</summary>
    public static bool IsWeight(TensorEntry tensor) => tensor.DType.Name.Contains("float", StringComparison.Ordinal);

    /// <summary>Whether a key is a number, or a word without dots that ends in one.</summary>
    public static bool IsNoName(string key) => IsNumber(key) || (key is [.., >= '0' and <= '9'] && !key.Contains('.', StringComparison.Ordinal));

    /// <summary>Whether a key is the end of a fused tensor's name (<c>attn.weight</c>), which does not say whose it is.</summary>
    public static bool IsEnd(string key) => Ends.Contains(key);

    /// <summary>Whether a key ends in a number.</summary>
    public static bool IsNumber(string key) =>
        key.AsSpan()[(key.LastIndexOf('.') + 1)..] is { Length: > 0 } last && !last.ContainsAnyExceptInRange('0', '9');

    /// <summary>The containers around <paramref name="container"/> that <see cref="Around"/> looks at, itself first.</summary>
    public static IEnumerable<ContainerEntry> Outwards(ContainerEntry container)
    {
        for (var (at, steps) = ((ContainerEntry?)container, 0); at is not null && steps <= Levels; (at, steps) = (at.Parent, steps + 1))
        {
            yield return at;
        }
    }
}

/// <summary>Tensors by number: all in a container, at any depth, or those whose keys in it are <paramref name="Key"/> and numbers.</summary>
/// <param name="Container">The container.</param>
/// <param name="Key">The start of the keys; empty for the whole container.</param>
internal readonly record struct UnnamedSequence(ContainerEntry Container, string Key)
{
    /// <summary>The name in reports.</summary>
    public string Label => Key.Length == 0 ? Container.Path : Container.Path.Length == 0 ? Key : $"{Container.Path}/{Key}";
}
