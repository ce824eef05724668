using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>The tensors of the models in a file that have fused tensors, in the file's order. Tied tensors are counted once.</summary>
internal static class VerifiedModels
{
    /// <summary>One list for each model.</summary>
    public static List<List<TensorEntry>> Of(Checkpoint checkpoint, List<FusedEntry> fused)
    {
        // Norms of the parameters are no model.
        fused = fused.FindAll(item => item.Axis is not null || item.Tensor.ElementCount != 1);
        var whole = fused.Where(item => item.Spread is null).Select(item => item.Tensor.Container).ToHashSet();
        var spread = fused.Where(item => item.Spread is not null).Select(item => item.Spread!.Model).ToHashSet();
        var models = new Dictionary<ContainerEntry, List<TensorEntry>>();
        foreach (var tensor in checkpoint.Tensors)
        {
            var home = whole.Contains(tensor.Container) ? tensor.Container : spread.Count == 0 ? null : Home(tensor, whole, spread);
            if (home is null)
            {
                continue;
            }

            if (!models.TryGetValue(home, out var model))
            {
                models.Add(home, model = []);
            }

            model.Add(tensor);
        }

        return [.. models.Values.Select(model => model.DistinctBy(ElementView.Of).ToList())];
    }

    /// <summary>The dicts of named tensors that have no fused one and that no optimizer keeps: an optimizer may belong to such a model.</summary>
    public static List<List<TensorEntry>> Beside(Checkpoint checkpoint, List<List<TensorEntry>> models)
    {
        var taken = models.SelectMany(model => model).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var closed = checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers).Concat(taken.Select(tensor => tensor.Container)).ToHashSet();
        return [.. checkpoint.Tensors
            .Where(tensor => tensor.Name is not null && TensorNumbers.IsParameter(tensor) && !closed.Contains(tensor.Container))
            .GroupBy(tensor => tensor.Container)
            .Select(model => model.DistinctBy(ElementView.Of).ToList())];
    }

    private static ContainerEntry? Home(TensorEntry tensor, HashSet<ContainerEntry> whole, HashSet<ContainerEntry> spread)
    {
        if (spread.Contains(tensor.Container))
        {
            return tensor.Container;
        }

        if (tensor.Name is null && tensor.Container.Texts.Count == 0)
        {
            return null;
        }

        var at = tensor.Container.Parent;
        for (var steps = 0; at is not null && steps < 16; steps++, at = at.Parent)
        {
            if (spread.Contains(at))
            {
                return at;
            }

            if (whole.Contains(at))
            {
                return null;
            }
        }

        return null;
    }
}
