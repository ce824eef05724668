namespace QkvMigrate.Checkpoints;

/// <summary>A tensor as a checkpoint describes it: a view into a storage. No byte of it has been read.</summary>
/// <param name="Container">What holds it.</param>
/// <param name="Name">Its key in the container, or null where the container has none (a list).</param>
/// <param name="Label">The name in reports: container and key, or container and index.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
/// <param name="Storage">The storage that holds its elements.</param>
/// <param name="StorageOffset">Where its first element stands in the storage, in elements.</param>
public sealed record TensorEntry(
    ContainerEntry Container,
    NameEntry? Name,
    string Label,
    DType DType,
    IReadOnlyList<long> Shape,
    IReadOnlyList<long> Strides,
    StorageEntry Storage,
    long StorageOffset)
{
    /// <summary>
    /// What loading makes of the numbers beyond a Tensor or Parameter of PyTorch's: a class of its own, tensors that hang on it
    /// as attributes. Null where it is nothing more. What such numbers mean is not known.
    /// </summary>
    public string? Peculiarity { get; init; }

    /// <summary>How many elements the shape names.</summary>
    public long ElementCount
    {
        get
        {
            var count = 1L;
            for (var i = 0; i < Shape.Count; i++)
            {
                count *= Shape[i];
            }

            return count;
        }
    }

    /// <summary>Where the first element stands in the file, in bytes.</summary>
    public long FileOffset => Storage.Offset + (StorageOffset * DType.ItemSize);

    /// <summary>Bytes from the first element to the end of the last one; 0 without elements.</summary>
    public long Extent
    {
        get
        {
            // Sizes and strides beside a size of 0 may be any numbers.
            if (ElementCount == 0)
            {
                return 0;
            }

            var last = 0L;
            for (var i = 0; i < Shape.Count; i++)
            {
                last = checked(last + ((Shape[i] - 1) * Strides[i]));
            }

            return checked((last + 1) * DType.ItemSize);
        }
    }
}
