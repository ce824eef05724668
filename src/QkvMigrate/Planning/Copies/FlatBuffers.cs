using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>Vectors of all parameters one behind the other, whose order nothing says.</summary>
/// <param name="models">The models of the file.</param>
/// <param name="fusedStorages">Where the fused tensors are: a buffer that they are views into is theirs.</param>
/// <param name="others">What stands beside the fused tensors in the models.</param>
internal sealed class FlatBuffers(IReadOnlyList<ModelShapes> models, IReadOnlySet<StorageEntry> fusedStorages, IReadOnlySet<ElementKey> others)
{
    /// <summary>The keys under which they stand (DeepSpeed, <c>FP16_Optimizer.state_dict</c> and its kin).</summary>
    private static readonly HashSet<string> Keys = ["fp32_groups_flat", "single_partition_of_fp32_groups", "fp32_flat_groups"];

    /// <summary>Whether <paramref name="tensor"/> is one: by its key, or because it has as many elements as a model.</summary>
    public bool IsOne(TensorEntry tensor) =>
        tensor.Shape.Count == 1
        && !fusedStorages.Contains(tensor.Storage)
        && ((tensor.Name is { } key && Keys.Contains(key.Text))
            || UnnamedTensors.Outwards(tensor.Container).Any(at => at.Key is { } step && Keys.Contains(step.Text))
            || IsAsLargeAsAModel(tensor));

    /// <summary>Whether it has as many elements as a model, without itself where it stands among the model's tensors.</summary>
    private bool IsAsLargeAsAModel(TensorEntry tensor)
    {
        var size = (Int128)tensor.ElementCount * (others.Contains(ElementKey.Of(tensor)) ? 2 : 1);
        return models.Any(model => model.Count > 1 && model.Elements == size);
    }
}
