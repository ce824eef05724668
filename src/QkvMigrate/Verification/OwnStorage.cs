using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>A tensor whose rows move and that must leave its storage for one of its own, which has its bytes from the first to the last.</summary>
/// <param name="View">The tensor as it is in the first file.</param>
/// <param name="Key">The new storage's key, as the second file chose it.</param>
internal sealed record OwnStorage(MovedView View, string Key)
{
    /// <summary>The tensor as the second file must describe it, apart from its name and the place of its bytes.</summary>
    public TensorEntry After(TensorEntry tensor) =>
        tensor with { Storage = tensor.Storage with { Key = Key, Length = tensor.Extent }, StorageOffset = 0 };

    /// <summary>The new storage in pair with the bytes that it had in the first file.</summary>
    /// <param name="kind">What it is in its format.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="after">Where it stands in the second file.</param>
    public RegionPair Pair(string kind, string name, FileRegion after)
    {
        var tensor = View.Tensor;
        return new RegionPair(kind, name, new FileRegion(tensor.FileOffset, tensor.Extent), after, tensor.Storage.Key, [View])
        {
            Start = tensor.FileOffset - tensor.Storage.Offset,
            IsOwn = true,
        };
    }
}
