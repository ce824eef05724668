using QkvMigrate.Checkpoints;

namespace QkvMigrate.Layouts;

/// <summary>A tensor of a fused attention module.</summary>
/// <param name="Tensor">The tensor; it has a name.</param>
/// <param name="Prefix">The key before the module's name: wrappers, <c>transformer.h.N.</c>.</param>
/// <param name="Suffix">The key behind it.</param>
/// <param name="Rule">How it follows the order of the rows, or null where its suffix is none of the family's.</param>
/// <param name="Projection">The block's output projection, where it stands in the same container.</param>
public sealed record FusedTensor(TensorEntry Tensor, string Prefix, string Suffix, FusedTensorRule? Rule, TensorEntry? Projection)
{
    /// <summary>Where the name is spread over several places, or stands beside the tensor: that name.</summary>
    internal SpreadName? Spread { get; init; }

    /// <summary>What holds the tensors of its model.</summary>
    internal ContainerEntry Scope => Spread?.Scope ?? Tensor.Container;

    /// <summary>Whether it is a single number of the tensor of its name, such as a norm, in a container of its own: it has no rows.</summary>
    internal bool IsSingleNumber { get; init; }

    /// <summary>The dimension along which the fused rows stand, or null where the tensor has none of them.</summary>
    public int? Dimension => Rule?.Dimension is not { } dimension || IsSingleNumber ? null : dimension >= 0 ? dimension : Tensor.Shape.Count + dimension;
}
