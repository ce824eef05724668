using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// The name of a tensor under a fused module where it is not the tensor's key: a string beside the tensor, the key of the list
/// that it is in, or the keys on the way to it, joined by dots.
/// </summary>
/// <param name="Name">The name, cut at the module's.</param>
/// <param name="Place">The string in which the module's name ends.</param>
/// <param name="Whole">The whole name.</param>
/// <param name="Start">Where <paramref name="Place"/> starts in <paramref name="Whole"/>.</param>
/// <param name="Model">What holds the tensors of the model.</param>
internal sealed record SpreadFusedName(FusedName Name, NameEntry Place, string Whole, int Start, ContainerEntry Model)
{
    private const int LongestWay = 16;

    /// <summary>The text of <see cref="Place"/> in the second file.</summary>
    public string After(VerifiedChange change)
    {
        var after = FusedName.After(Whole, change);
        return after.Substring(Start, Place.Text.Length + after.Length - Whole.Length);
    }

    /// <summary>Finds the name; null where there is none of that layout.</summary>
    public static SpreadFusedName? Find(TensorEntry tensor, VerifiedLayout layout)
    {
        SpreadFusedName? beside = null;
        var count = 0;
        foreach (var text in tensor.Container.Texts)
        {
            if (FusedName.Find(text.Text, layout) is { } name && IsKnown(name, tensor))
            {
                beside = new SpreadFusedName(name, text, text.Text, 0, tensor.Container.Parent ?? tensor.Container);
                count++;
            }
        }

        var isRole = tensor.Name is null || !tensor.Name.Text.Contains('.', StringComparison.Ordinal);
        return count == 1 && isRole ? beside : tensor.Name is { } key ? OnTheWay(tensor, key, layout) : OfList(tensor.Container, layout);
    }

    /// <summary>A list's key is the name of each tensor in it.</summary>
    private static SpreadFusedName? OfList(ContainerEntry list, VerifiedLayout layout) =>
        list.Key is { } key && FusedName.Find(key.Text, layout) is { Suffix.Length: > 0 } name
            ? new SpreadFusedName(name, key, key.Text, 0, list.Parent ?? list)
            : null;

    /// <summary>The key alone is no fused name, or who asks would not: in the outermost container there is nothing else on the way.</summary>
    private static SpreadFusedName? OnTheWay(TensorEntry tensor, NameEntry key, VerifiedLayout layout)
    {
        if (tensor.Container.Parent is null)
        {
            return null;
        }

        var steps = new List<(string Text, NameEntry? Entry, ContainerEntry Inside)> { (key.Text, key, tensor.Container) };
        var container = tensor.Container;
        for (var length = 0; length < LongestWay && container.Parent is { } outer; length++, container = outer)
        {
            if (container.Key is { } name)
            {
                steps.Insert(0, (name.Text, name, outer));
            }
            else if (container.IsNumbered)
            {
                steps.Insert(0, (container.Path[(container.Path.LastIndexOf('/') + 1)..], null, outer));
            }
        }

        if (!steps.Exists(step => step.Text.Contains("attn", StringComparison.Ordinal)))
        {
            return null;
        }

        var whole = string.Join('.', steps.Select(step => step.Text));
        if (FusedName.Find(whole, layout) is not { Suffix.Length: > 0 } found)
        {
            return null;
        }

        var last = whole.Length - found.Suffix.Length - 2;
        var start = 0;
        foreach (var (text, entry, _) in steps)
        {
            if (last < start + text.Length)
            {
                var model = steps.Find(step => step.Text.Split('.').Contains("transformer")).Inside ?? tensor.Container.Parent ?? tensor.Container;
                return entry is null ? null : new SpreadFusedName(found, entry, whole, start, model);
            }

            start += text.Length + 1;
        }

        return null;
    }

    private static bool IsKnown(FusedName name, TensorEntry tensor) => FusedAxis.TryFind(name.Suffix, tensor.Shape.Count, isAutoGptq: false, out _);
}
