using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>A tensor under a fused attention module.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Name">Its key, cut at the module's name.</param>
/// <param name="Axis">The dimension of the rows, or null where it has none of them.</param>
/// <param name="IsKnown">Whether LitGPT is known to keep such a tensor there.</param>
internal sealed record FusedEntry(TensorEntry Tensor, FusedName Name, FusedAxis? Axis, bool IsKnown)
{
    /// <summary>Where the name is not the tensor's key: that name.</summary>
    public SpreadFusedName? Spread { get; init; }

    /// <summary>What holds the tensors of its model.</summary>
    public ContainerEntry Model => Spread?.Model ?? Tensor.Container;
}
