using QkvMigrate.FilePlans;

namespace QkvMigrate.Checkpoints.Rewriting;

/// <summary>New contents of a storage, of any length, under the name that it has.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Bytes">Its new bytes.</param>
/// <param name="Views">How each tensor that looks into it does so afterwards.</param>
internal sealed record StorageReplacement(StorageEntry Storage, ComputedBytes Bytes, IReadOnlyList<TensorPlacement> Views);

/// <summary>
/// Tensors that look into a storage through one view and get a storage of their own: the view's bytes, from its first
/// element to its last, with their rows permuted. Strides stay, the offset becomes 0.
/// </summary>
/// <param name="Tensors">The tensors; all of one storage, offset, shape and strides.</param>
/// <param name="Blocks">What is permuted in them, as blocks of the storage that they leave.</param>
public sealed record StorageSplit(IReadOnlyList<TensorEntry> Tensors, IReadOnlyList<BlockReorder> Blocks)
{
    /// <summary>One of the tensors.</summary>
    public TensorEntry View => Tensors[0];
}

/// <summary>A tensor's new place in its storage.</summary>
/// <param name="Tensor">The tensor as it is.</param>
/// <param name="StorageOffset">Where its first element stands, in elements.</param>
/// <param name="Shape">Its sizes, as many as before.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
internal sealed record TensorPlacement(TensorEntry Tensor, long StorageOffset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides);
