using System.Runtime.InteropServices;

namespace QkvMigrate.Testing.Checkpoints;

/// <summary>A tensor that fills its storage, row by row.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Type">The storage's class, such as <c>FloatStorage</c>.</param>
/// <param name="ItemSize">Bytes of an element.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Bytes">The storage.</param>
/// <param name="Storage">The storage's number, which tied tensors have in common; the tensor's own where it is null.</param>
internal sealed record StoredTensor(string Name, string Type, int ItemSize, long[] Shape, byte[] Bytes, int? Storage = null)
{
    /// <summary>A float32 tensor of ascending numbers.</summary>
    public static StoredTensor Floats(string name, params long[] shape) =>
        Floats(name, [.. Enumerable.Range(0, (int)Count(shape)).Select(number => (float)number)], shape);

    /// <summary>A float32 tensor of these numbers.</summary>
    public static StoredTensor Floats(string name, float[] values, long[] shape, int? storage = null) =>
        new(name, "FloatStorage", sizeof(float), shape, [.. MemoryMarshal.AsBytes(values.AsSpan())], storage);

    /// <summary>A tensor of zeros.</summary>
    public static StoredTensor Zeros(string name, string type, int itemSize, params long[] shape) =>
        new(name, type, itemSize, shape, new byte[Count(shape) * itemSize]);

    private static long Count(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);
}
