using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Writing.InPlace;

/// <summary>Legacy checkpoints of <see cref="LegacyModel.Geometry"/> that can be changed in their place: dense, transposed and gapped tensors of distinct bytes.</summary>
internal static class InPlaceModel
{
    private const int Columns = 5;

    /// <summary>The names of the files.</summary>
    public static IEnumerable<string> Formats => ["zip", "zip, pickle last", "safetensors"];

    /// <summary>A file.</summary>
    public static byte[] Bytes(string format)
    {
        (string Name, byte[] Bytes)[] storages =
        [
            ("archive/data/0", Numbers(160, 1)), ("archive/data/1", Numbers(160, 2)), ("archive/data/2", Numbers(70, 3)), ("archive/data/3", Numbers(160, 4)),
            ("archive/data/4", Numbers(64, 5)), ("archive/version", "3\n"u8.ToArray()),
        ];
        return format switch
        {
            "zip" => TorchFile.Write([("archive/data.pkl", Objects()), .. storages]),
            "zip, pickle last" => TorchFile.Write([.. storages, ("archive/data.pkl", Objects())]),
            "safetensors" => SafetensorsFile.Write(
                Enumerable.Range(0, 4).SelectMany(layer => new[] { (Fused(layer, "weight"), "F32", new[] { 32, Columns }), ($"transformer.h.{layer}.mlp.proj.weight", "F32", [4, Columns]) }),
                sizeof(float),
                Numbers(4 * 36 * Columns, 6)),
            _ => throw new ArgumentException(format, nameof(format)),
        };
    }

    private static byte[] Objects() => Pickle(Dict(
    [
        (Fused(0, "weight"), Code(0, 160, 0, [32, Columns], [Columns, 1])),
        (Fused(1, "weight"), Code(1, 160, 0, [32, Columns], [1, 32])),
        (Fused(1, "bias"), Code(2, 70, 3, [32], [2])),
        (Fused(2, "weight"), Code(3, 160, 0, [32, Columns], [Columns, 1])),
        ("lm_head.weight", Code(4, 64, 0, [64], [1])),
    ]));

    private static string Code(int key, int count, int offset, long[] shape, long[] strides) =>
        Tensor(Storage(Text($"{key}"), count, "torch\nFloatStorage"), offset, shape, strides);

    private static string Fused(int layer, string end) => $"transformer.h.{layer}.attn.attn.{end}";

    private static byte[] Numbers(int count, int seed)
    {
        var bytes = new byte[count * sizeof(float)];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
