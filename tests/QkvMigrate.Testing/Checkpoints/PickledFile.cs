using System.Buffers.Binary;
using QkvMigrate.Testing.Zips;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Testing.Checkpoints;

/// <summary>A file of PyTorch's whose objects a test puts together from pieces of code; every element of its tensors has another value.</summary>
internal sealed class PickledFile
{
    private readonly List<byte[]> storages = [];
    private readonly List<long> counts = [];

    /// <summary>The code of a dense tensor of float32 with a storage of its own.</summary>
    public string Floats(params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var bytes = new byte[count * sizeof(float)];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), (storages.Count * 100000) + i + 0.5f);
        }

        return Add(bytes, "FloatStorage", shape, count);
    }

    /// <summary>The code of a dense tensor of uint8.</summary>
    public string Bytes(params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        return Add([.. Enumerable.Range(0, (int)count).Select(i => (byte)i)], "ByteStorage", shape, count);
    }

    /// <summary>The code of a dense tensor of any type whose bytes are 0 and 1, as those of bools are, in no order.</summary>
    public string Flags(string type, int itemSize, params long[] shape)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        return Add([.. Enumerable.Range(0, (int)count * itemSize).Select(i => (byte)(((uint)(i + storages.Count) * 2654435761U >> 15) & 1))], type, shape, count);
    }

    /// <summary>The code of a storage that no tensor looks into.</summary>
    public string BareStorage(long count)
    {
        storages.Add([.. Enumerable.Range(0, (int)count * sizeof(float)).Select(i => (byte)i)]);
        counts.Add(count);
        return Storage(Text($"{storages.Count - 1}"), count);
    }

    /// <summary>The file, in the zip of today or the form before 1.6.</summary>
    public byte[] Write(string root, bool isBefore16) => isBefore16
        ? new TorchBefore16File
        {
            Objects = Pickle(root),
            Keys = Pickle(List(storages.Select((_, key) => Text($"{key}")))),
            Storages = [.. storages.SelectMany((bytes, key) => (byte[])[.. BitConverter.GetBytes(counts[key]), .. bytes])],
        }.Bytes()
        : TorchFile.Write([("archive/data.pkl", Pickle(root)), .. storages.Select((bytes, key) => ($"archive/data/{key}", bytes)), ("archive/version", "3\n"u8.ToArray())]);

    private string Add(byte[] bytes, string type, long[] shape, long count)
    {
        var strides = new long[shape.Length];
        for (var (i, stride) = (shape.Length - 1, 1L); i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }

        storages.Add(bytes);
        counts.Add(count);
        return Tensor(Storage(Text($"{storages.Count - 1}"), count, $"torch\n{type}"), 0, shape, strides);
    }
}
