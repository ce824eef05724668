using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using QkvMigrate.Testing.Zips;

namespace QkvMigrate.Testing.Checkpoints;

/// <summary>A float32 tensor of a test file.</summary>
internal sealed record TestTensor(string Key, int Storage, int[] Shape, int[] Strides, int Offset = 0);

/// <summary>
/// A state dict as a pickle of protocol 2 and its storages, with distinct values in every element. Behind the tensors
/// stand a number, a note, and a list of the keys themselves, which the pickle fetches from its memo.
/// </summary>
internal sealed record StateDict(IReadOnlyList<TestTensor> Tensors, IReadOnlyList<int> StorageSizes)
{
    /// <summary>A value that is no tensor.</summary>
    public int Step { get; init; } = 12000;

    /// <summary>The file.</summary>
    public byte[] ToFile() => TorchFile.Write(
        [("archive/data.pkl", Pickle()), .. StorageSizes.Select((size, key) => ($"archive/data/{key}", Values(key, size))), ("archive/version", "3\n"u8.ToArray())]);

    /// <summary>The file that PyTorch wrote before 1.6: pickles of a magic number, a protocol and the machine, of the objects, of the storages' keys; then the storages.</summary>
    public byte[] ToFileBefore16()
    {
        var keys = Enumerable.Range(0, StorageSizes.Count).Where(key => Tensors.Any(tensor => tensor.Storage == key)).ToList();
        var file = new List<byte>();
        file.AddRange([0x80, 2, 0x8a, 10, .. BigInteger.Parse("119547037146038801333356").ToByteArray(), (byte)'.']);
        file.AddRange([0x80, 2, (byte)'M', 0xe9, 3, (byte)'.', 0x80, 2, (byte)'}', (byte)'.']);
        file.AddRange(Pickle());
        file.AddRange([0x80, 2, (byte)']', (byte)'(']);
        keys.ForEach(key => Text(file, $"{key}"));
        file.AddRange("e."u8);
        foreach (var key in keys)
        {
            file.AddRange([.. BitConverter.GetBytes((long)StorageSizes[key]), .. Values(key, StorageSizes[key])]);
        }

        return [.. file];
    }

    /// <summary>A safetensors file of those tensors that have a storage of their own and are dense, with what its metadata say.</summary>
    public byte[] ToSafetensors()
    {
        var header = new StringBuilder("""{"__metadata__": {"format": "pt", "note": "attn.attn stays here"}""");
        var data = new List<byte>();
        foreach (var tensor in Tensors.Where(tensor => tensor.Strides[^1] == 1 && tensor.Offset == 0).DistinctBy(tensor => tensor.Storage))
        {
            var bytes = Values(tensor.Storage, StorageSizes[tensor.Storage]);
            header.Append($$""", "{{tensor.Key}}":{"dtype":"F32","shape":[{{string.Join(',', tensor.Shape)}}],"data_offsets":[{{data.Count}},{{data.Count + bytes.Length}}]}""");
            data.AddRange(bytes);
        }

        var json = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        var length = (json.Length + 7) / 8 * 8;
        return [.. BitConverter.GetBytes((long)length), .. json, .. Enumerable.Repeat((byte)' ', length - json.Length), .. data];
    }

    private static byte[] Values(int storage, int count)
    {
        var bytes = new byte[count * sizeof(float)];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), (storage * 100000) + i + 0.5f);
        }

        return bytes;
    }

    private byte[] Pickle()
    {
        var pickle = new List<byte> { 0x80, 2, (byte)'}', (byte)'(' };
        for (var i = 0; i < Tensors.Count; i++)
        {
            Text(pickle, Tensors[i].Key);
            pickle.AddRange([(byte)'q', (byte)i]);
            Tensor(pickle, Tensors[i]);
        }

        Text(pickle, "step");
        Number(pickle, Step);
        Text(pickle, "note");
        Text(pickle, "attn.attn is a name here, and stays");
        Text(pickle, "names");
        pickle.AddRange([(byte)']', (byte)'(', .. Tensors.SelectMany((_, i) => new[] { (byte)'h', (byte)i }), (byte)'e', (byte)'u', (byte)'.']);
        return [.. pickle];
    }

    private void Tensor(List<byte> pickle, TestTensor tensor)
    {
        pickle.AddRange("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Text(pickle, "storage");
        pickle.AddRange("ctorch\nFloatStorage\n"u8);
        Text(pickle, tensor.Storage.ToString());
        Text(pickle, "cpu");
        Number(pickle, StorageSizes[tensor.Storage]);
        pickle.AddRange("tQ"u8);
        Number(pickle, tensor.Offset);
        foreach (var numbers in new[] { tensor.Shape, tensor.Strides })
        {
            pickle.Add((byte)'(');
            Array.ForEach(numbers, number => Number(pickle, number));
            pickle.Add((byte)'t');
        }

        pickle.AddRange([0x89, .. "ccollections\nOrderedDict\n)RtR"u8]);
    }

    private static void Text(List<byte> pickle, string text) =>
        pickle.AddRange([(byte)'X', .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)]);

    private static void Number(List<byte> pickle, int number) => pickle.AddRange([(byte)'J', .. BitConverter.GetBytes(number)]);
}
