using System.IO.Compression;
using System.Text;

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
        using var file = File.Create(path);
        using var zip = new ZipArchive(file, ZipArchiveMode.Create);
        var pickle = new List<byte>([0x80, 2, (byte)'}', (byte)'(']);
        var contents = new List<byte[]>();
        for (var layer = 0; layer < layers; layer++)
        {
            Tensor(pickle, contents, $"{prefix}{layer}.attn.attn.weight", Rows);
            Tensor(pickle, contents, $"{prefix}{layer}.attn.proj.weight", Width);
        }

        pickle.AddRange("u."u8);
        Entry(zip, "archive/data.pkl", [.. pickle]);
        for (var i = 0; i < contents.Count; i++)
        {
            Entry(zip, $"archive/data/{i}", contents[i]);
        }

        Entry(zip, "archive/version", "3\n"u8);
    }

    private static void Tensor(List<byte> pickle, List<byte[]> contents, string name, int rows)
    {
        Text(pickle, name);
        pickle.AddRange("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Text(pickle, "storage");
        pickle.AddRange("ctorch\nFloatStorage\n"u8);
        Text(pickle, $"{contents.Count}");
        Text(pickle, "cpu");
        Number(pickle, rows * Width);
        pickle.AddRange("tQK\0("u8);
        Number(pickle, rows);
        Number(pickle, Width);
        pickle.AddRange("t("u8);
        Number(pickle, Width);
        pickle.AddRange("K\u0001tI00\nccollections\nOrderedDict\n)RtR"u8);
        var content = new byte[rows * Width * sizeof(float)];
        new Random(contents.Count).NextBytes(content);
        contents.Add(content);
    }

    private static void Text(List<byte> pickle, string text)
    {
        pickle.Add((byte)'X');
        var bytes = Encoding.UTF8.GetBytes(text);
        pickle.AddRange(BitConverter.GetBytes(bytes.Length));
        pickle.AddRange(bytes);
    }

    private static void Number(List<byte> pickle, int value)
    {
        pickle.Add((byte)'J');
        pickle.AddRange(BitConverter.GetBytes(value));
    }

    private static void Entry(ZipArchive zip, string name, ReadOnlySpan<byte> content)
    {
        using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }
}
