using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.FilePlans;

namespace QkvMigrate.Planning.Lora;

/// <summary>A matrix that takes the place of a stored one, with all of its storage.</summary>
/// <param name="Tensor">The tensor as it is.</param>
/// <param name="Shape">Its rows and columns afterwards.</param>
/// <param name="Bytes">Its elements afterwards, one row behind the other.</param>
internal sealed record ComputedTensor(TensorEntry Tensor, IReadOnlyList<long> Shape, ComputedBytes Bytes)
{
    /// <summary>The storage that holds it.</summary>
    public StorageReplacement Replacement => new(Tensor.Storage, Bytes, [new TensorPlacement(Tensor, 0, Shape, [Shape[1], 1])]);
}
