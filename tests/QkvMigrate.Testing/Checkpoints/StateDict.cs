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

    /// <summary>The number of the tensor that requires a gradient; none where no tensor has it.</summary>
    public int RequiresGradient { get; init; } = -1;

    /// <summary>The number of the tensor that has an entry among its backward hooks; none where no tensor has it.</summary>
    public int Hooked { get; init; } = -1;

    /// <summary>The storage of another type: ints of four bytes in the place of floats.</summary>
    public int OfInts { get; init; } = -1;

    /// <summary>A storage and the number of its element that has another value.</summary>
    public (int Storage, int Element) Changed { get; init; } = (-1, 0);

    /// <summary>For each storage the one whose values it has; its own where there is none.</summary>
    public IReadOnlyList<int>? Contents { get; init; }

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
            dense.Select(tensor => (tensor.Key, tensor.Storage == OfInts ? "I32" : "F32", tensor.Shape)),
            sizeof(float),
            [.. dense.SelectMany(tensor => Values(tensor.Storage, StorageSizes[tensor.Storage]))],
            $$$"""{"format": "pt", "note": "attn.attn stays here", "step": "{{{Step}}}"}""");
    }

    private byte[] Values(int storage, int count)
    {
        var bytes = new byte[count * sizeof(float)];
        storage = Contents?[storage] ?? storage;
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), (storage * 100000) + i + ((storage, i) == Changed ? 0.75f : 0.5f));
        }

        return bytes;
    }

    private byte[] Objects()
    {
        var tensors = Tensors.Select((tensor, number) => $"{Text(tensor.Key)}q{Slot(number)}{Code(tensor, number)}");
        var keys = Tensors.Select((_, number) => $"h{Slot(number)}");
        return Pickle($"}}({string.Concat(tensors)}{Text("step")}{Int(Step)}{Text("note")}{Text("attn.attn is a name here, and stays")}{Text("names")}{List(keys)}u");
    }

    private string Code(TestTensor tensor, int number)
    {
        var storage = Storage(
            Text($"{tensor.Storage}"), StorageSizes[tensor.Storage], tensor.Storage == OfInts ? "torch\nIntStorage" : "torch\nFloatStorage");
        var arguments = Arguments(storage, tensor.Offset, [.. tensor.Shape.Select(size => (long)size)], [.. tensor.Strides.Select(stride => (long)stride)]);
        arguments[^2] = number == RequiresGradient ? "\u0088" : arguments[^2];
        arguments[^1] = number == Hooked ? $"{arguments[^1]}K\u0001{Text("a hook")}s" : arguments[^1];
        return Call("torch._utils", "_rebuild_tensor_v2", arguments);
    }

    /// <summary>A slot of the memo as BINPUT and BINGET have it; from 256 on slots are used again.</summary>
    private static char Slot(int number) => (char)(byte)number;
}
