using System.Buffers.Binary;
using System.Text;

namespace QkvMigrate.Tests.Verification;

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
