namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>A tensor's new place in its storage.</summary>
/// <param name="Tensor">The tensor as it is.</param>
/// <param name="StorageOffset">Where its first element stands, in elements.</param>
/// <param name="Shape">Its sizes, as many as before.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
internal sealed record TensorPlacement(TensorEntry Tensor, long StorageOffset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides);
