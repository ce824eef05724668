namespace QkvMigrate.Checkpoints;

/// <summary>What a value is that is no tensor of numbers in the file.</summary>
internal enum OtherValueKind
{
    /// <summary>Numbers, strings, sizes, dtypes, <c>None</c>, and lists, tuples and dicts of them.</summary>
    Plain,

    /// <summary>An object of a class that this tool does not know, without anything like a tensor in it.</summary>
    Unknown,

    /// <summary>Lists of lists of floats: a tensor that was written out.</summary>
    Numbers,

    /// <summary>A list, tuple, dict or object that holds tensors, or what is like them.</summary>
    Collection,

    /// <summary>A module with its parameters in it.</summary>
    Module,

    /// <summary>A tensor of the device <c>meta</c>: a shape without numbers.</summary>
    Meta,

    /// <summary>A tensor of a device whose tensors are pickled in a way of their own: XLA and its like.</summary>
    Device,

    /// <summary>One rank's part of a tensor: <c>ShardedTensor</c>, <c>DTensor</c>.</summary>
    Sharded,

    /// <summary>A sparse tensor.</summary>
    Sparse,

    /// <summary>A quantized tensor.</summary>
    Quantized,

    /// <summary>A tensor of a class of its own, which keeps its numbers in a way of its own.</summary>
    Subclass,

    /// <summary>A numpy array.</summary>
    Array,

    /// <summary>The name of a tensor whose numbers are in another file.</summary>
    Reference,

    /// <summary>Bytes, or a storage without a shape.</summary>
    Bytes,

    /// <summary>A tensor whose key is no text: bytes or a tuple that spell its name.</summary>
    Key,
}

/// <summary>
/// A value that is no <see cref="TensorEntry"/> and stands where one could: under a key that speaks of attention, or
/// somewhere below such a key; anywhere, where it has sizes as a tensor has them, or bytes.
/// </summary>
/// <param name="Container">What holds it.</param>
/// <param name="Key">Its key, or its index in a list or tuple.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Description">The same in words: <c>a numpy array of shape (16, 8)</c>.</param>
internal sealed record OtherValue(ContainerEntry Container, string Key, OtherValueKind Kind, string Description)
{
    /// <summary>The sizes of what keeps the numbers of a tensor in a way of its own, or of lists of numbers, where the file says them.</summary>
    public IReadOnlyList<long>? Sizes { get; init; }

    /// <summary>How many bytes a bytes object or a storage has, which has no sizes.</summary>
    public long? Bytes { get; init; }

    /// <summary>Whether its numbers may be floats, as weights are: the file says nothing else.</summary>
    public bool MayBeFloats { get; init; } = true;

    /// <summary>Whether the file says how much it holds.</summary>
    public bool HasSize => Sizes is not null || Bytes is not null;

    /// <summary>The name in reports: container and key.</summary>
    public string Label => Container.Path.Length > 0 ? $"{Container.Path}/{Key}" : Key;

    /// <summary>Whether a model's numbers may be in it, or stand for it elsewhere.</summary>
    public bool IsTensorLike => Kind != OtherValueKind.Plain;
}
