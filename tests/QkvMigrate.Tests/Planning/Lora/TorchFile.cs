using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>A float32 tensor of a test: row by row, in the storage of this number.</summary>
public sealed record StoredTensor(string Name, float[] Values, long[] Shape, int Storage);

/// <summary>Writes a state dict as <c>torch.save</c> does: a zip of a pickle of protocol 2 and a record for each storage.</summary>
public static class TorchFile
{
    public static void Write(string path, IReadOnlyList<StoredTensor> tensors)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        Add(zip, "archive/data.pkl", Pickle(tensors));
        foreach (var tensor in tensors.DistinctBy(tensor => tensor.Storage))
        {
            Add(zip, $"archive/data/{tensor.Storage}", Bytes(tensor.Values));
        }
    }

    private static byte[] Bytes(float[] values)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        }

        return bytes;
    }

    private static void Add(ZipArchive zip, string name, byte[] bytes)
    {
        using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        entry.Write(bytes);
    }

    /// <summary>Opcodes as in CPython's Lib/pickletools.py.</summary>
    private static byte[] Pickle(IReadOnlyList<StoredTensor> tensors)
    {
        var pickle = new List<byte>();
        Code("\u0080\u0002}(");
        foreach (var tensor in tensors)
        {
            Text(tensor.Name);
            Code("ctorch._utils\n_rebuild_tensor_v2\n((");
            Text("storage");
            Code("ctorch\nFloatStorage\n");
            Text(tensor.Storage.ToString());
            Text("cpu");
            Number(tensor.Values.Length);
            Code("tQ");
            Number(0);
            Tuple(tensor.Shape);
            Tuple([.. Enumerable.Range(1, tensor.Shape.Length).Select(next => tensor.Shape[next..].Aggregate(1L, (product, size) => product * size))]);
            Code("\u0089ccollections\nOrderedDict\n)RtR");
        }

        Code("u.");
        return [.. pickle];

        void Code(string opcodes) => pickle.AddRange(Encoding.Latin1.GetBytes(opcodes));

        void Text(string text) => pickle.AddRange([(byte)'X', .. BitConverter.GetBytes(text.Length), .. Encoding.ASCII.GetBytes(text)]);

        void Number(long number) => pickle.AddRange([(byte)'J', .. BitConverter.GetBytes((int)number)]);

        void Tuple(long[] numbers)
        {
            Code("(");
            Array.ForEach(numbers, Number);
            Code("t");
        }
    }
}
