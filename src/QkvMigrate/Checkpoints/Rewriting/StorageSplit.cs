using QkvMigrate.FilePlans;

namespace QkvMigrate.Checkpoints.Rewriting;

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

    /// <summary>Lays the new storage down.</summary>
    internal void LayDown(FilePlanBuilder builder)
    {
        var piece = View.Storage with { Offset = View.FileOffset, Length = View.Extent };
        var start = View.FileOffset - View.Storage.Offset;
        StorageLayout.LayDown(builder, piece, [.. Blocks.Select(block => block with { Storage = piece, Offset = block.Offset - start }).OrderBy(block => block.Offset)]);
    }
}
