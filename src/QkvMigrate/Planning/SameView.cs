namespace QkvMigrate.Planning;

/// <summary>Moves are equal where their tensors look at the same elements in the same way, and the same dimension of them moves.</summary>
internal sealed class SameView : IEqualityComparer<TensorMove>
{
    private SameView()
    {
    }

    /// <summary>The only one.</summary>
    public static SameView Comparer { get; } = new();

    /// <inheritdoc/>
    public bool Equals(TensorMove? x, TensorMove? y) =>
        ReferenceEquals(x, y)
        || (x is not null
            && y is not null
            && x.Tensor.FileOffset == y.Tensor.FileOffset
            && x.Tensor.DType == y.Tensor.DType
            && x.Dimension == y.Dimension
            && x.Tensor.Shape.SequenceEqual(y.Tensor.Shape)
            && x.Tensor.Strides.SequenceEqual(y.Tensor.Strides));

    /// <inheritdoc/>
    public int GetHashCode(TensorMove move) => HashCode.Combine(move.Tensor.FileOffset, move.Dimension);
}
