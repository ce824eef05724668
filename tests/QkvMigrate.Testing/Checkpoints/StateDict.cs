using System.Buffers.Binary;
using QkvMigrate.Testing.Zips;
using static QkvMigrate.Testing.Pickles.TorchCode;

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
        [("archive/data.pkl", Objects()), .. StorageSizes.Select((size, key) => ($"archive/data/{key}", Values(key, size))), ("archive/version", "3\n"u8.ToArray())]);

    /// <summary>The file that PyTorch wrote before 1.6. It has no storages without a tensor.</summary>
    public byte[] ToFileBefore16()
    {
        var keys = Enumerable.Range(0, StorageSizes.Count).Where(key => Tensors.Any(tensor => tensor.Storage == key)).ToList();
        return new TorchBefore16File
        {
            Objects = Objects(),
            Keys = Pickle(List(keys.Select(key => Text($"{key}")))),
            Storages = [.. keys.SelectMany(key => (byte[])[.. BitConverter.GetBytes((long)StorageSizes[key]), .. Values(key, StorageSizes[key])])],
        }.Bytes();
    }

    /// <summary>A safetensors file of those tensors that have a storage of their own and are dense, with what its metadata say.</summary>
    public byte[] ToSafetensors()
    {
        var dense = Tensors.Where(tensor => tensor.Strides[^1] == 1 && tensor.Offset == 0).DistinctBy(tensor => tensor.Storage).ToList();
        return SafetensorsFile.Write(
            dense.Select(tensor => (tensor.Key, "F32", tensor.Shape)),
            sizeof(float),
            [.. dense.SelectMany(tensor => Values(tensor.Storage, StorageSizes[tensor.Storage]))],
            """{"format": "pt", "note": "attn.attn stays here"}""");
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

    private byte[] Objects()
    {
        var tensors = Tensors.Select((tensor, number) => $"{Text(tensor.Key)}q{Slot(number)}{Code(tensor)}");
        var keys = Tensors.Select((_, number) => $"h{Slot(number)}");
        return Pickle($"}}({string.Concat(tensors)}{Text("step")}{Int(Step)}{Text("note")}{Text("attn.attn is a name here, and stays")}{Text("names")}{List(keys)}u");
    }

    private string Code(TestTensor tensor) => Tensor(
        Storage(Text($"{tensor.Storage}"), StorageSizes[tensor.Storage]),
        tensor.Offset,
        [.. tensor.Shape.Select(size => (long)size)],
        [.. tensor.Strides.Select(stride => (long)stride)]);

    /// <summary>A slot of the memo as BINPUT and BINGET have it; from 256 on slots are used again.</summary>
    private static char Slot(int number) => (char)(byte)number;
}
