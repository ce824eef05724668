using QkvMigrate.Checkpoints;

namespace QkvMigrate.Layouts;

/// <summary>
/// The name of a tensor under a fused module where no key alone is that name: it stands beside the tensor as a value, as
/// <c>named_parameters()</c> yields it, or the keys on the way to the tensor spell it, as in a dict of one dict a module, or it is
/// the key of a list of tensors: one parameter at several times.
/// </summary>
/// <param name="Prefix">The name before the module's.</param>
/// <param name="Suffix">The name behind it, without wrappers.</param>
/// <param name="Whole">The whole name.</param>
/// <param name="Place">The string in which the name of LitGPT's fused module ends.</param>
/// <param name="Start">Where that string starts in <paramref name="Whole"/>.</param>
/// <param name="Scope">What holds the tensors of the whole model.</param>
internal sealed record SpreadName(string Prefix, string Suffix, string Whole, NameEntry Place, int Start, ContainerEntry Scope)
{
    /// <summary>Steps of a way that are looked at: module paths have seven components.</summary>
    public const int Steps = 16;

    /// <summary>Where LitGPT's module paths start, behind the wrappers.</summary>
    private const string First = "transformer";

    /// <summary>The components of fused modules' names.</summary>
    private static readonly string[] Parts = [.. LayoutFamilies.All.SelectMany(family => family.Module.Split('.')).Distinct()];

    /// <summary>The text of <see cref="Place"/> after a conversion.</summary>
    public string NewName(Conversion conversion)
    {
        var renamed = conversion.Renamed(Whole);
        return renamed.Substring(Start, Place.Text.Length + renamed.Length - Whole.Length);
    }

    /// <summary>Finds the name of <paramref name="tensor"/> under <paramref name="module"/>, or null.</summary>
    public static SpreadName? Find(TensorEntry tensor, string module) => Beside(tensor, module) ?? Above(tensor, module) ?? Along(tensor, module);

    /// <summary>The key of the list that it is in.</summary>
    public static NameEntry? KeyOfList(TensorEntry tensor) => tensor.Name is null ? tensor.Container.Key : null;

    private static SpreadName? Above(TensorEntry tensor, string module) =>
        KeyOfList(tensor) is { } key && FusedNames.TrySplit(key.Text, module, out var prefix, out var suffix)
            ? new SpreadName(prefix, suffix, key.Text, key, 0, tensor.Container.Parent ?? tensor.Container)
            : null;

    private static SpreadName? Beside(TensorEntry tensor, string module)
    {
        if (tensor.Container.Texts.Count == 0 || tensor.Name?.Text.Contains('.', StringComparison.Ordinal) == true)
        {
            return null;
        }

        var names = tensor.Container.Texts.Where(text => FusedNames.TrySplit(text.Text, module, out _, out var behind) && IsKnown(behind)).ToList();
        return names is [var name] && FusedNames.TrySplit(name.Text, module, out var prefix, out var suffix)
            ? new SpreadName(prefix, suffix, name.Text, name, 0, tensor.Container.Parent ?? tensor.Container)
            : null;
    }

    private static SpreadName? Along(TensorEntry tensor, string module)
    {
        if (tensor.Name is not { } key || !MayBeSpread(tensor.Container))
        {
            return null;
        }

        var way = Way(tensor.Container);
        var whole = string.Join('.', way.Select(step => step.Text).Append(key.Text));
        if (!FusedNames.TrySplit(whole, module, out var prefix, out var suffix))
        {
            return null;
        }

        // The module's last component is where the names of the families begin to differ.
        var last = FusedNames.LastComponent(whole, module);
        var start = 0;
        foreach (var (text, container) in way)
        {
            if (last < start + text.Length)
            {
                return container.Key is { } place ? new SpreadName(prefix, suffix, whole, place, start, Root(way, tensor.Container)) : null;
            }

            start += text.Length + 1;
        }

        return new SpreadName(prefix, suffix, whole, key, start, Root(way, tensor.Container));
    }

    /// <summary>The containers on the way, outermost first, each with its step; what has no step of its own is left out.</summary>
    private static List<(string Text, ContainerEntry Container)> Way(ContainerEntry container)
    {
        var way = new List<(string, ContainerEntry)>();
        for (var (at, steps) = ((ContainerEntry?)container, 0); at is not null && steps < Steps; (at, steps) = (at.Parent, steps + 1))
        {
            if (at.Key is { } key)
            {
                way.Add((key.Text, at));
            }
            else if (at.IsNumbered)
            {
                way.Add((at.Path[(at.Path.LastIndexOf('/') + 1)..], at));
            }
        }

        way.Reverse();
        return way;
    }

    /// <summary>What the whole model stands in: where its path starts, or what holds the module.</summary>
    private static ContainerEntry Root(List<(string Text, ContainerEntry Container)> way, ContainerEntry container)
    {
        var start = way.FindIndex(step => step.Text.Split('.').Contains(First));
        var first = start >= 0 ? way[start].Container : container;
        return first.Parent ?? first;
    }

    /// <summary>Whether a step of the way may be a part of a fused module's name: nearly no checkpoint's is.</summary>
    private static bool MayBeSpread(ContainerEntry container)
    {
        for (var (at, steps) = ((ContainerEntry?)container, 0); at is not null && steps < Steps; (at, steps) = (at.Parent, steps + 1))
        {
            if (at.Key is { } key && Parts.Any(part => key.Text.Contains(part, StringComparison.Ordinal)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsKnown(string suffix) => suffix.Length == 0 || LayoutFamilies.All.Any(family => family.Rules.Any(rule => rule.Suffix == suffix));
}
