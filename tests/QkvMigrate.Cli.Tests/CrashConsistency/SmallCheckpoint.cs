using QkvMigrate.Geometry;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>Legacy checkpoints of 12 kB, or of 90 kB with a storage that stays and that the kernel copies.</summary>
internal static class SmallCheckpoint
{
    private const int Rows = 64;
    private const int Width = 32;
    private const int LongRows = 600;
    private const int Layers = 4;
    private const int LongWidth = 2800;

    public static GeometryFlags Geometry { get; } = new(HeadCount: 4, QueryGroupCount: 2, HeadSize: 8);

    /// <summary>The same, for the command line.</summary>
    public static IReadOnlyList<string> Arguments { get; } = ["--n-head", "4", "--n-query-groups", "2", "--head-size", "8"];

    /// <summary>Writes one whose values differ from those of every other number, in folders that are made.</summary>
    public static void Write(string path, int number, bool isLong = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        TorchFile.Save(path, [.. Tensors(number, isLong)]);
    }

    /// <summary>Writes one of 2.9 MB with four fused tensors, each of which is a step of a change in place.</summary>
    public static void WriteWide(string path) => TorchFile.Save(path, [.. Enumerable.Range(0, Layers).Select(layer => StoredTensor.Floats(
        $"transformer.h.{layer}.attn.attn.weight",
        [.. Enumerable.Range(0, Rows * LongWidth).Select(value => (layer * 1000000f) + value)],
        [Rows, LongWidth]))]);

    /// <summary>Writes two safetensors files and their index.</summary>
    public static void WriteShards(string folder)
    {
        Directory.CreateDirectory(folder);
        var index = new List<string>();
        foreach (var number in new[] { 1, 2 })
        {
            var name = $"model-0000{number}-of-00002.safetensors";
            var tensors = Tensors(number, isLong: false, layer: number - 1).ToList();
            var entries = tensors.Select(tensor => (tensor.Name, "F32", tensor.Shape.Select(size => (int)size).ToArray()));
            File.WriteAllBytes(Path.Combine(folder, name), SafetensorsFile.Write(entries, sizeof(float), [.. tensors.SelectMany(tensor => tensor.Bytes)]));
            index.AddRange(tensors.Select(tensor => $"\"{tensor.Name}\": \"{name}\""));
        }

        File.WriteAllText(
            Path.Combine(folder, "model.safetensors.index.json"),
            $$$"""{"metadata": {"total_size": {{{2 * (Rows + Width) * Width * sizeof(float)}}}}, "weight_map": {{{{string.Join(", ", index)}}}}}""");
    }

    private static IEnumerable<StoredTensor> Tensors(int number, bool isLong, int layer = 0)
    {
        yield return Tensor($"transformer.h.{layer}.attn.attn.weight", Rows);
        yield return Tensor($"transformer.h.{layer}.attn.proj.weight", Width);
        if (isLong)
        {
            yield return Tensor($"transformer.h.{layer}.mlp.fc.weight", LongRows);
        }

        StoredTensor Tensor(string name, int rows) =>
            StoredTensor.Floats(name, [.. Enumerable.Range(0, rows * Width).Select(value => (number * 1000000f) + (rows * 1000) + value)], [rows, Width]);
    }
}
