using System.Runtime.CompilerServices;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints;

/// <summary>A run of bytes in a file that one or more tensors look into.</summary>
/// <param name="Source">The file.</param>
/// <param name="Key">The name that the format gives it.</param>
/// <param name="Offset">Where its bytes start in the file.</param>
/// <param name="Length">How many bytes it has.</param>
public sealed record StorageEntry(SourceFile Source, string Key, long Offset, long Length);

/// <summary>What a name in a checkpoint is the name of.</summary>
public enum NameRole
{
    /// <summary>A key of a state dict, whose value is a tensor.</summary>
    TensorKey,

    /// <summary>A key of <c>_metadata</c>, by which <c>module.state_dict()</c> keeps a version for each module path.</summary>
    ModulePath,

    /// <summary>A parameter's name in an optimizer's state dict.</summary>
    ParameterName,

    /// <summary>A key under which a container stands in another one: a step of the way to a tensor.</summary>
    ContainerKey,

    /// <summary>A string that stands beside a tensor as a value: the first half of what <c>named_parameters()</c> yields.</summary>
    Value,
}

/// <summary>A place in a checkpoint where a name stands and can be changed.</summary>
/// <param name="Id">The place's number, unique in its checkpoint and meaningful to its format alone.</param>
/// <param name="Text">The name.</param>
/// <param name="Role">What it names.</param>
public sealed record NameEntry(int Id, string Text, NameRole Role);

/// <summary>A dict, list or other container that holds tensors.</summary>
/// <param name="Path">How to get there from the root, <c>/</c> between the steps; empty for the root itself.</param>
/// <param name="ModulePaths">The keys of its <c>_metadata</c>, where it has one.</param>
public sealed record ContainerEntry(string Path, IReadOnlyList<NameEntry> ModulePaths)
{
    /// <summary>What holds it; null for the root. The state of an object stands in what the object stands for.</summary>
    public ContainerEntry? Parent { get; init; }

    /// <summary>Its key in <see cref="Parent"/>, where that is a string.</summary>
    public NameEntry? Key { get; init; }

    /// <summary>Whether it has a number in <see cref="Parent"/> and no name: an index, or a key that is an int.</summary>
    public bool IsNumbered { get; init; }

    /// <summary>The strings that stand in it as values, where it has only a few values: a tuple of a name and a tensor.</summary>
    public IReadOnlyList<NameEntry> Texts { get; init; } = [];

    /// <summary>A container is equal to itself alone: two may stand under one path.</summary>
    public bool Equals(ContainerEntry? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}

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
