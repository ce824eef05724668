using System.Text;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>Small good inputs of every kind, of the geometry of <see cref="LegacyModel"/>: 4 heads in 2 groups of 4 rows.</summary>
internal static class FuzzSeeds
{
    private const int Rows = 32;
    private const int Columns = 5;

    /// <summary>Pickles of state dicts, whose storages are those of <see cref="InZip"/>.</summary>
    public static IReadOnlyList<byte[]> StateDicts { get; } =
    [
        Entry(LegacyModel.Legacy.ToFile(), "data.pkl"),
        Pickle(Dict(
            ("model", Dict(
                ("_orig_mod.transformer.h.0.attn.attn.weight", Parameter(Matrix("1"))),
                ("_orig_mod.transformer.h.0.attn.attn.bias", Tensor(Storage(Text("2"), Rows), 0, [Rows], [1])))),
            ("optimizer", Dict(
                ("state", $"}}({Int(0)}{Dict(("step", Int(3)), ("exp_avg", Matrix("3")))}{Int(1)}{Dict(("exp_avg", Tensor(Storage(Text("2"), Rows), 0, [Rows], [1])))}u"),
                ("param_groups", List(Dict(("lr", Int(1)), ("params", List(Int(0), Int(1)))))))),
            ("iter_num", Int(7)))),
        Pickle(Dict(
            ("transformer.h.0.attn.attn.lora_A", Tensor(Storage(Text("0"), 7 * Columns), 0, [4, Columns], [Columns, 1])),
            ("transformer.h.0.attn.attn.lora_B", Tensor(Storage(Text("4"), 70), 0, [24, 2], [2, 1])),
            ("transformer.h.0.attn.attn.linear.weight", Matrix("1")))),
    ];

    /// <summary>Pickles that PyTorch wrote, and what it does not write but an unpickler reads: protocols 0, 1, 4 and 5 with most of their opcodes.</summary>
    public static IReadOnlyList<byte[]> Pickles { get; } =
    [
        .. StateDicts,
        .. Goldens().Select(golden => Entry(File.ReadAllBytes(golden), "data.pkl")),
        "(dp0\nS'a\\x62'\np1\n(I1\nL2L\nF3.5\nI01\nNVx\\u0079\n(lp2\nI5\naccopy_reg\n_reconstructor\np3\n(c__main__\nA\nc__builtin__\nobject\nNtR(dbg1\n(icollections\nOrderedDict\nttp4\ns."u8.ToArray(),
        [0x80, 5, (byte)'}', 0x94, (byte)'(', 0x8c, 1, (byte)'k', 0x94, 0x8c, 2, .. "os"u8, 0x8c, 6, .. "system"u8, 0x93, 0x8c, 1, (byte)'x', 0x85, (byte)'R', 0x8f, 0x94, (byte)'(', (byte)'K', 1, 0x90, (byte)'u', 0x96, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, (byte)'0', (byte)'.'],
        [0x80, 3, (byte)'B', 10, 0, 0, 0, 0x80, 2, .. "cos\na\n."u8, (byte)'C', 1, 0, 0x82, 1, 0x83, 1, 0, 0x84, 1, 0, 0, 0, (byte)'t', (byte)'.'],
    ];

    public static IReadOnlyList<byte[]> Zips { get; } = [LegacyModel.Legacy.ToFile(), .. StateDicts.Select(InZip), WithDescriptors(StateDicts[0])];

    public static IReadOnlyList<byte[]> FilesBefore16 { get; } =
    [
        new TorchBefore16File().Bytes(),
        new TorchBefore16File { Name = "transformer.wte.weight" }.Bytes(),
        new TorchBefore16File { FirstStorage = TorchBefore16File.Storage("70", 8, []) }.Bytes(),
    ];

    public static IReadOnlyList<byte[]> Safetensors { get; } =
    [
        SafetensorsFile.Raw("""{"__metadata__":{"format":"pt"},"h.0.attn.attn.weight":{"dtype":"F16","shape":[32,2],"data_offsets":[0,128]},"h.0.attn.proj.weight":{"dtype":"U8","shape":[2,16],"data_offsets":[128,160]}}""", new byte[160]),
        SafetensorsFile.Raw("""{ "b" : {"dtype":"BF16","shape":[2],"data_offsets":[32,36], "more": [1, {"x": null}]},"h.0.attn.attn.bi\u0061s":{"data_offsets":[0,32],"shape":[32],"dtype":"I8"}}   """, new byte[36]),
    ];

    public static IReadOnlyList<byte[]> Configurations { get; } =
    [
        .. Goldens().Select(golden => File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(golden)!, "model_config.yaml"))),
        "{\"org\": \"o\", \"name\": \"pythia\", \"condense_ratio\": 1, \"n_head\": 8, \"n_embd\": 64, \"norm_eps\": 1e-05, \"_norm_class\": \"LayerNorm\", \"x\": [1, {\"a\": null}], \"y\": \"\\ud800\"}"u8.ToArray(),
        "#qkvmigrate+ made from lit_config.json\nname: a\n#qkvmigrate- x: 1\ny: 2  #qkvmigrate+\n"u8.ToArray(),
        "{\"name\": \"pythia\", \"n_head\": 8, \"n_embd\": 64}"u8.ToArray(),
        "name: a\nsliding_window_layer_placing: interleaved\nn_layer: 4\n&anchor x: [1, 2]\ny: *anchor\nz: |\n  text\n"u8.ToArray(),
    ];

    public static IReadOnlyList<byte[]> Hyperparameters { get; } =
    [
        "lora_alpha: 16\nlora_dropout: 0.05\nlora_key: false\nlora_query: true\nlora_r: 8\nlora_value: true\nout_dir: out\n"u8.ToArray(),
        "\uFEFFlora_r: 8\r\nlora_alpha: 32.5\r\ntrain:\r\n  epochs: 1\r\nlora_query: true\r\nlora_key: true\r\nlora_value: true\r\n"u8.ToArray(),
        "#qkvmigrate- lora_r: 8\nlora_r: 16  #qkvmigrate+\nlora_alpha: 32\nlora_query: true\nlora_key: true\nlora_value: true\n"u8.ToArray(),
    ];

    /// <summary>The index of one shard, which is the first of <see cref="Safetensors"/>.</summary>
    public static IReadOnlyList<byte[]> Indexes(string shard) =>
    [
        Encoding.ASCII.GetBytes("""{"metadata": {"total_size": 160}, "weight_map": {"h.0.attn.attn.weight": "SHARD", "h.0.attn.proj.weight": "SHARD"}}""".Replace("SHARD", shard, StringComparison.Ordinal)),
        Encoding.ASCII.GetBytes("""{"weight_map":{"h.0.attn.\u0061ttn.weight":"SHARD","h.0.attn.proj.weight":"SHARD"},"x":[{}]}""".Replace("SHARD", shard, StringComparison.Ordinal)),
    ];

    /// <summary>A sound zip with this pickle, and storages of as many float32 as the pickles of <see cref="StateDicts"/> say.</summary>
    public static byte[] InZip(byte[] pickle) => TorchFile.Write(
        [("archive/data.pkl", pickle), .. LegacyModel.Legacy.StorageSizes.Select((size, key) => ($"archive/data/{key}", new byte[size * sizeof(float)])), ("archive/version", "3\n"u8.ToArray())]);

    private static string Matrix(string storage) => Tensor(Storage(Text(storage), Rows * Columns), 0, [Rows, Columns], [Columns, 1]);

    /// <summary>As other programs write zips that cannot go back: unaligned, and with descriptors behind the data.</summary>
    private static byte[] WithDescriptors(byte[] pickle)
    {
        var image = new ZipImage();
        foreach (var (name, bytes) in LegacyModel.Legacy.StorageSizes.Select((size, key) => ($"data/{key}", new byte[size * sizeof(float)])).Prepend(("data.pkl", pickle)))
        {
            image.Add(new ZipPart($"archive/{name}", bytes) { Descriptor = ZipDescriptor.SignedNarrow });
        }

        return image.End().ToArray();
    }

    private static byte[] Entry(byte[] file, string name) => ZipSurgery.Bytes(file, ZipSurgery.Find(file, name));

    private static IEnumerable<string> Goldens() =>
        Directory.EnumerateFiles(Repository.At("tests", "golden"), "lit_model.pth", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
}
