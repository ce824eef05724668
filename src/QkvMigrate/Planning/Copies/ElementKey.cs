using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>The elements that a tensor looks at: the same view under two names is one parameter.</summary>
internal readonly record struct ElementKey(StorageEntry Storage, long Offset, string Shape, string Strides)
{
    /// <summary>Those of <paramref name="tensor"/>.</summary>
    public static ElementKey Of(TensorEntry tensor) => new(tensor.Storage, tensor.StorageOffset, ShapeOf(tensor), string.Join(',', tensor.Strides));

    /// <summary>The sizes as a key.</summary>
    public static string ShapeOf(TensorEntry tensor) => string.Join(',', tensor.Shape);
}
