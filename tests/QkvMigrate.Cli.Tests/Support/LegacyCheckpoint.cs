using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Writes legacy checkpoints of any size without PyTorch: a layer has a fused and a projection matrix of distinct bytes.</summary>
internal static class LegacyCheckpoint
{
    private const int HeadCount = 8;
    private const int QueryGroupCount = 2;
    private const int HeadSize = 32;
    private const int Rows = (HeadCount + (2 * QueryGroupCount)) * HeadSize;
    private const int Width = HeadCount * HeadSize;

    /// <summary>What the command line needs to know of them.</summary>
    public static IReadOnlyList<string> Arguments { get; } =
        ["--n-head", $"{HeadCount}", "--n-query-groups", $"{QueryGroupCount}", "--head-size", $"{HeadSize}"];

    /// <summary>Writes one of <paramref name="layers"/> layers, 640 KiB each, whose keys begin with <paramref name="prefix"/>.</summary>
    public static void Write(string path, int layers, string prefix = "transformer.h.")
    {
        var tensors = new List<StoredTensor>();
        for (var layer = 0; layer < layers; layer++)
        {
            Add($"{prefix}{layer}.attn.attn.weight", Rows);
            Add($"{prefix}{layer}.attn.proj.weight", Width);
        }

        TorchFile.Save(path, tensors);

        void Add(string name, int rows)
        {
            var content = new byte[rows * Width * sizeof(float)];
            new Random(tensors.Count).NextBytes(content);
            tensors.Add(new StoredTensor(name, "FloatStorage", sizeof(float), [rows, Width], content));
        }
    }
}
