using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>The tensors of a model in a checkpoint; tied tensors are counted once.</summary>
/// <param name="Scope">What holds the model.</param>
/// <param name="Tensors">The tensors in the order of the file, which is that of the model's state dict.</param>
internal sealed record ModelTensors(ContainerEntry Scope, IReadOnlyList<TensorEntry> Tensors)
{
    /// <summary>Every model that has fused tensors.</summary>
    public static IReadOnlyList<ModelTensors> Of(AttentionScan scan)
    {
        var scopes = new Dictionary<ContainerEntry, bool>();
        foreach (var fused in scan.Fused.Where(fused => !fused.IsSingleNumber))
        {
            scopes[fused.Scope] = scopes.GetValueOrDefault(fused.Scope) || fused.Scope != fused.Tensor.Container;
        }

        var models = scopes.Keys.ToDictionary(scope => scope, _ => new List<TensorEntry>());
        foreach (var tensor in scan.Checkpoint.Tensors)
        {
            if (ScopeOf(tensor, scopes) is { } scope)
            {
                models[scope].Add(tensor);
            }
        }

        return [.. models.Select(model => new ModelTensors(model.Key, [.. model.Value.DistinctBy(ElementKey.Of)]))];
    }

    /// <summary>A model is in one container, or its names are spread over those within one; what has no name there is none of it.</summary>
    private static ContainerEntry? ScopeOf(TensorEntry tensor, Dictionary<ContainerEntry, bool> scopes)
    {
        if (scopes.TryGetValue(tensor.Container, out _))
        {
            return tensor.Container;
        }

        if (tensor.Name is null && tensor.Container.Texts.Count == 0)
        {
            return null;
        }

        for (var (at, steps) = (tensor.Container.Parent, 0); at is not null && steps < SpreadName.Steps; (at, steps) = (at.Parent, steps + 1))
        {
            if (scopes.TryGetValue(at, out var isSpread))
            {
                return isSpread ? at : null;
            }
        }

        return null;
    }
}
