using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>A tensor with a storage of its own.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Storage">The storage's class, such as <c>FloatStorage</c>.</param>
/// <param name="ItemSize">Bytes of an element.</param>
/// <param name="Shape">Sizes; strides are those of a contiguous tensor.</param>
/// <param name="Bytes">The storage.</param>
internal sealed record StoredTensor(string Name, string Storage, int ItemSize, long[] Shape, byte[] Bytes)
{
    /// <summary>A float32 tensor of ascending numbers.</summary>
    public static StoredTensor Floats(string name, params long[] shape) =>
        new(name, "FloatStorage", sizeof(float), shape, [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size)).SelectMany(number => BitConverter.GetBytes((float)number))]);

    /// <summary>The same, all zero, in another type.</summary>
    public static StoredTensor Zeros(string name, string storage, int itemSize, params long[] shape) =>
        new(name, storage, itemSize, shape, new byte[shape.Aggregate(1L, (product, size) => product * size) * itemSize]);
}

/// <summary>Writes what <c>torch.save</c> writes for a dict of tensors, a state dict or dicts of them, in pickle protocol 2.</summary>
internal static class TorchZipFile
{
    /// <summary>Writes <paramref name="tensors"/> into one dict.</summary>
    public static void Write(string path, params StoredTensor[] tensors)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        Add(zip, "archive/data.pkl", Pickle(tensors));
        for (var i = 0; i < tensors.Length; i++)
        {
            Add(zip, $"archive/data/{i}", tensors[i].Bytes);
        }

        Add(zip, "archive/version", "3\n"u8);
    }

    private static void Add(ZipArchive zip, string name, ReadOnlySpan<byte> bytes)
    {
        using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        entry.Write(bytes);
    }

    private static byte[] Pickle(StoredTensor[] tensors)
    {
        using var pickle = new MemoryStream();
        pickle.Write([0x80, 2, (byte)'}', (byte)'(']);
        for (var i = 0; i < tensors.Length; i++)
        {
            var tensor = tensors[i];
            var strides = tensor.Shape.Select((_, dimension) => tensor.Shape.Skip(dimension + 1).Aggregate(1L, (product, size) => product * size));
            Text(pickle, tensor.Name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text(pickle, "storage");
            pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{tensor.Storage}\n"));
            Text(pickle, $"{i}");
            Text(pickle, "cpu");
            Number(pickle, tensor.Bytes.Length / tensor.ItemSize);
            pickle.Write("tQ"u8);
            Number(pickle, 0);
            Tuple(pickle, tensor.Shape);
            Tuple(pickle, strides);
            pickle.WriteByte(0x89);
            pickle.Write("ccollections\nOrderedDict\n)RtR"u8);
        }

        pickle.Write("u."u8);
        return pickle.ToArray();
    }

    private static void Tuple(MemoryStream pickle, IEnumerable<long> numbers)
    {
        pickle.WriteByte((byte)'(');
        foreach (var number in numbers)
        {
            Number(pickle, (int)number);
        }

        pickle.WriteByte((byte)'t');
    }

    private static void Number(MemoryStream pickle, int number)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)'J';
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], number);
        pickle.Write(bytes);
    }

    private static void Text(MemoryStream pickle, string text)
    {
        Span<byte> head = stackalloc byte[5];
        head[0] = (byte)'X';
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], text.Length);
        pickle.Write(head);
        pickle.Write(Encoding.ASCII.GetBytes(text));
    }
}
