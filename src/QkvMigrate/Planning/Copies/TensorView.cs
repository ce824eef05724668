using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>The elements that a tensor looks at: the same view under two names is one parameter.</summary>
internal readonly record struct TensorView(StorageEntry Storage, long Offset, string Shape, string Strides)
{
    /// <summary>Those of <paramref name="tensor"/>.</summary>
    public static TensorView Of(TensorEntry tensor) => new(tensor.Storage, tensor.StorageOffset, ShapeOf(tensor), string.Join(',', tensor.Strides));

    /// <summary>The sizes as a key.</summary>
    public static string ShapeOf(TensorEntry tensor) => string.Join(',', tensor.Shape);
}
