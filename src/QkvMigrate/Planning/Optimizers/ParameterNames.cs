using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Optimizers;

/// <summary>
/// Finds the tensors that an optimizer names. A parameter's name can be without what a wrapper or trainer puts in front of all keys
/// of the state dict (<c>model.</c>), or have it alone; a tied tensor can go by any of its names.
/// </summary>
internal sealed class ParameterNames
{
    /// <summary>More beginnings than this in front of a model's keys are not tried.</summary>
    private const int MostBeginnings = 16;

    private readonly ILookup<string, TensorEntry> byName;
    private readonly HashSet<string> fusedEnds;

    /// <summary>Takes the names of all tensors of a file that no optimizer keeps.</summary>
    public ParameterNames(AttentionScan scan)
    {
        var states = scan.Checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers).ToHashSet();
        byName = scan.Checkpoint.Tensors.Named()
            .Where(named => !states.Contains(named.Tensor.Container))
            .Concat(scan.Fused.Where(fused => fused.Spread is not null).Select(fused => (Name: fused.Spread!.Whole, fused.Tensor)))
            .ToLookup(named => WrapperNames.Removed(named.Name), named => named.Tensor);

        // A name that is the end of a fused one from its module on: attn.weight of an attention module alone.
        fusedEnds = [.. scan.Fused.Select(fused => $"{scan.Layout.ModuleName}.{fused.Suffix}")];
    }

    /// <summary>Why nothing can be said of a parameter's name; null for all names that can be a tensor's.</summary>
    public string? Problem(string name, Conversion conversion)
    {
        if (FusedNames.TrySplit(name, conversion.From.Module, out _, out var suffix))
        {
            return suffix.Length == 0 ? $"ends in {conversion.From.Module}, where LitGPT has a module and no parameter" : null;
        }

        return FusedNames.TrySplit(name, conversion.To.Module, out _, out _)
                ? $"has a name of {conversion.To.Module}, and the model's are of {conversion.From.Module}"
            : SpelledName.IsFused(name, conversion.From) ? "has the name of a fused tensor in another spelling"
            : fusedEnds.Contains(WrapperNames.Removed(name)) ? "has the name of a fused tensor without its block"
            : null;
    }

    /// <summary>The tensor of each parameter; null where one has none, or what is kept for it fits no tensor of its name.</summary>
    public List<TensorEntry>? Find(List<OptimizerParameter> parameters)
    {
        var bare = parameters.ConvertAll(parameter => (Parameter: parameter, Name: WrapperNames.Removed(parameter.Name!)));
        if (Find(bare, name => name) is { } same)
        {
            return same;
        }

        var first = bare[0].Name;
        var longer = byName.Select(named => named.Key).Where(key => key.EndsWith($".{first}", StringComparison.Ordinal)).Select(key => key[..^first.Length]);
        foreach (var beginning in longer.Distinct().Take(MostBeginnings))
        {
            if (Find(bare, name => beginning + name) is { } found)
            {
                return found;
            }
        }

        var shorter = byName.Select(named => named.Key).Where(key => first.EndsWith($".{key}", StringComparison.Ordinal)).Select(key => first[..^key.Length]);
        foreach (var beginning in shorter.Distinct().Take(MostBeginnings))
        {
            if (Find(bare, name => name.StartsWith(beginning, StringComparison.Ordinal) ? name[beginning.Length..] : name) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private List<TensorEntry>? Find(List<(OptimizerParameter Parameter, string Name)> parameters, Func<string, string> key)
    {
        var found = new List<TensorEntry>();
        foreach (var (parameter, name) in parameters)
        {
            var tensor = byName[key(name)].FirstOrDefault(tensor => parameter.State.All(state => StateFollowers.MayBelong(state, tensor.Shape)));
            if (tensor is null)
            {
                return null;
            }

            found.Add(tensor);
        }

        return found;
    }
}
