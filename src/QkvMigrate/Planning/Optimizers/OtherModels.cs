using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Copies;

namespace QkvMigrate.Planning.Optimizers;

/// <summary>Finds the models of a file that have no fused tensors: a critic, a value head. An optimizer may be theirs.</summary>
internal static class OtherModels
{
    /// <summary>The dicts of named tensors besides <paramref name="models"/>.</summary>
    public static IEnumerable<ModelTensors> Of(AttentionScan scan, IReadOnlyList<ModelTensors> models)
    {
        var known = models.SelectMany(model => model.Tensors).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var states = scan.Checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers).Concat(known.Select(tensor => tensor.Container)).ToHashSet();
        return scan.Checkpoint.Tensors
            .Where(tensor => !known.Contains(tensor) && tensor.Name is { } name && !UnnamedTensors.IsNoName(name.Text) && !states.Contains(tensor.Container))
            .GroupBy(tensor => tensor.Container)
            .Select(model => new ModelTensors(model.Key, [.. model.DistinctBy(ElementKey.Of)]));
    }
}
