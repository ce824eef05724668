using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>The tensors of the models in a checkpoint, each model in the order of the file, which is that of its state dict.</summary>
internal static class ModelTensors
{
    /// <summary>The tensors of every model that has fused ones, tied ones once, by what holds the model.</summary>
    public static IReadOnlyList<(ContainerEntry Scope, List<TensorEntry> Tensors)> Of(Checkpoint checkpoint, AttentionScan scan)
    {
        var scopes = new Dictionary<ContainerEntry, bool>();
        foreach (var fused in scan.Fused)
        {
            scopes[fused.Scope] = scopes.GetValueOrDefault(fused.Scope) || fused.Scope != fused.Tensor.Container;
        }

        var models = scopes.Keys.ToDictionary(scope => scope, _ => new List<TensorEntry>());
        foreach (var tensor in checkpoint.Tensors)
        {
            if (ScopeOf(tensor, scopes) is { } scope)
            {
                models[scope].Add(tensor);
            }
        }

        return [.. models.Select(model => (model.Key, (List<TensorEntry>)[.. model.Value.DistinctBy(TensorView.Of)]))];
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
