using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// The tensors of a file by the names that an optimizer has for them: whole keys without wrappers, or keys that are longer or shorter
/// at the front, all by the same components. Each of the names of a tied tensor is one.
/// </summary>
internal sealed class NamedParameters
{
    private const int MostFronts = 16;

    private readonly Dictionary<string, List<TensorEntry>> tensors = [];
    private readonly HashSet<string> ends;

    /// <summary>Takes the names of a file.</summary>
    public NamedParameters(Checkpoint file, List<FusedEntry> fused)
    {
        var kept = file.Optimizers.SelectMany(optimizer => optimizer.StateContainers).ToHashSet();
        foreach (var tensor in file.Tensors)
        {
            if (tensor.Name is { Text: var key } && !kept.Contains(tensor.Container))
            {
                Add(key, tensor);
            }
        }

        foreach (var item in fused)
        {
            if (item.Spread is { } spread)
            {
                Add(spread.Whole, item.Tensor);
            }
        }

        ends = [.. fused.SelectMany(item => VerifiedLayouts.All.Select(layout => $"{layout.Module}.{item.Name.Suffix}"))];
    }

    /// <summary>Whether a name is that of a fused tensor in a form that says too little, or too much.</summary>
    public bool IsStrange(string name, VerifiedChange change)
    {
        if (FusedName.Find(name, change.From) is { } whole)
        {
            return whole.Suffix.Length == 0;
        }

        return FusedName.Find(name, change.To) is not null || LeftNames.IsSpelled(name, change.From) || ends.Contains(WrapperParts.Bare(name));
    }

    /// <summary>The tensors of some names, each of sizes that what is kept for it can be of; null where one has none.</summary>
    public List<TensorEntry>? Find(List<(string Name, IReadOnlyList<TensorEntry> Kept)> parameters)
    {
        var wanted = parameters.ConvertAll(parameter => (Name: WrapperParts.Bare(parameter.Name), parameter.Kept));
        foreach (var (cut, added) in Fronts(wanted[0].Name))
        {
            var found = wanted.ConvertAll(parameter =>
                !parameter.Name.StartsWith(cut, StringComparison.Ordinal) ? null
                : tensors.GetValueOrDefault(added + parameter.Name[cut.Length..])?
                    .Find(tensor => parameter.Kept.All(kept => KeptTensors.CanBeOf(kept, tensor.Shape))));
            if (!found.Contains(null))
            {
                return found!;
            }
        }

        return null;
    }

    /// <summary>What may have to be cut off names, or put in front of them, so that they are keys: nothing first.</summary>
    private List<(string Cut, string Added)> Fronts(string name)
    {
        var longer = new HashSet<string>();
        var shorter = new HashSet<string>();
        foreach (var key in tensors.Keys)
        {
            if (longer.Count < MostFronts && key.EndsWith('.' + name, StringComparison.Ordinal))
            {
                longer.Add(key[..^name.Length]);
            }

            if (shorter.Count < MostFronts && name.EndsWith('.' + key, StringComparison.Ordinal))
            {
                shorter.Add(name[..^key.Length]);
            }
        }

        return [("", ""), .. longer.Select(front => ("", front)), .. shorter.Select(front => (front, ""))];
    }

    private void Add(string key, TensorEntry tensor)
    {
        var name = WrapperParts.Bare(key);
        if (tensors.TryGetValue(name, out var list))
        {
            list.Add(tensor);
        }
        else
        {
            tensors.Add(name, [tensor]);
        }
    }
}
