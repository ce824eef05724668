using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>The elements that a tensor looks at: tied tensors, one under several names, have equal ones.</summary>
/// <param name="Storage">The storage's key.</param>
/// <param name="Offset">Where the first element stands in it, in elements.</param>
/// <param name="Layout">Sizes and strides.</param>
internal readonly record struct ElementView(string Storage, long Offset, string Layout)
{
    /// <summary>The elements of <paramref name="tensor"/>.</summary>
    public static ElementView Of(TensorEntry tensor) =>
        new(tensor.Storage.Key, tensor.StorageOffset, $"{string.Join(',', tensor.Shape)}/{string.Join(',', tensor.Strides)}");
}
