using System.IO.Compression;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Configuration;
using QkvMigrate.Migration;
using QkvMigrate.Migration.Lora;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>A parser with good inputs and the bytes that mean something in its language.</summary>
/// <param name="Seeds">Inputs that it reads to the end.</param>
/// <param name="Tokens">Bytes to put in.</param>
/// <param name="Run">Reads one input; throws <see cref="MigrationException"/> or nothing.</param>
internal sealed record FuzzTarget(IReadOnlyList<byte[]> Seeds, byte[] Tokens, Action<byte[]> Run)
{
    /// <summary>The targets by name. Files are written to <paramref name="folder"/>, which is best in memory.</summary>
    public static FuzzTarget Make(string name, string folder) => name switch
    {
        "pickle" => new(Pickles(), [.. Enum.GetValues<PickleOpcode>().Select(opcode => (byte)opcode)], Pickle),
        "zip" => new([.. Goldens().Select(File.ReadAllBytes), Zip(Pickles()[0])], [.. "PK\x01\x02\x03\x04\x05\x06\x07\0/."u8, 0xff], bytes => Checkpoint(bytes, folder)),
        "configuration" => new(Configurations(), [.. "{}[]:,-#&*!|>'\"%@`\n\r\t 0e\\~"u8, 0xff, 0xc2], bytes => Configuration(bytes, folder)),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such target"),
    };

    private static string Tests { get; } = FindTests();

    private static void Pickle(byte[] bytes)
    {
        _ = PicklePolicy.ExamineBytes(bytes, "fuzz");
        var document = PickleMachine.Run(bytes);
        _ = PicklePolicy.Examine(document, "fuzz");
        var pickle = new TorchPickle(document, key => new StorageEntry(key, 0, 1 << 20));
        var names = pickle.Tensors.Select(tensor => tensor.Name).OfType<NameEntry>().DistinctBy(name => name.Id).ToDictionary(name => name, name => name.Text + "'\n");
        if (pickle.Edit(names, []) is { } edited)
        {
            PickleMachine.Run(edited);
        }
    }

    private static void Checkpoint(byte[] bytes, string folder)
    {
        var path = Path.Combine(folder, "fuzz.pth");
        File.WriteAllBytes(path, bytes);
        if (!Checkpoints.Checkpoint.LooksLikeOne(path))
        {
            return;
        }

        using var checkpoint = Checkpoints.Checkpoint.Open(path);
        _ = PickleGate.Check(checkpoint, allowUnsafe: true);
        MigrationPlanner.Plan(checkpoint, MigrationDirection.Upgrade, shapes => GeometryResolver.Resolve(new GeometryFlags(), Path.Combine(Tests, "golden", "llama-gqa"), shapes), new LoraOptions());
    }

    private static void Configuration(byte[] bytes, string folder)
    {
        var refusals = new List<MigrationException>();
        foreach (var name in new[] { ConfigurationRewrite.YamlName, ConfigurationRewrite.JsonName })
        {
            var path = Path.Combine(folder, name);
            File.WriteAllBytes(path, bytes);
            Try(() => ConfigurationReader.Read(path, name), refusals);
            Try(() => ConfigurationRewrite.Plan(folder, MigrationDirection.Upgrade), refusals);
            Try(() => ConfigurationRewrite.Plan(folder, MigrationDirection.Downgrade), refusals);
            File.Delete(path);
        }

        if (refusals.Count > 0)
        {
            throw refusals[0];
        }
    }

    /// <summary>Keeps what one reader refuses, so that the next gets its turn with the same bytes.</summary>
    private static void Try(Action action, List<MigrationException> refusals)
    {
        try
        {
            action();
        }
        catch (MigrationException error)
        {
            refusals.Add(error);
        }
    }

    private static List<byte[]> Pickles()
    {
        var pickles = new List<byte[]>();
        foreach (var golden in Goldens())
        {
            using var zip = ZipFile.OpenRead(golden);
            using var entry = zip.Entries.Single(entry => entry.Name == "data.pkl").Open();
            using var bytes = new MemoryStream();
            entry.CopyTo(bytes);
            pickles.Add(bytes.ToArray());
        }

        // What PyTorch does not write, but an unpickler reads: protocols 0, 1, 4 and 5 with most of their opcodes.
        pickles.Add("(dp0\nS'a\\x62'\np1\n(I1\nL2L\nF3.5\nI01\nNVx\\u0079\n(lp2\nI5\naccopy_reg\n_reconstructor\np3\n(c__main__\nA\nc__builtin__\nobject\nNtR(dbg1\n(icollections\nOrderedDict\nttp4\ns."u8.ToArray());
        pickles.Add([0x80, 5, (byte)'}', 0x94, (byte)'(', 0x8c, 1, (byte)'k', 0x94, 0x8c, 2, .. "os"u8, 0x8c, 6, .. "system"u8, 0x93, 0x8c, 1, (byte)'x', 0x85, (byte)'R', 0x8f, 0x94, (byte)'(', (byte)'K', 1, 0x90, (byte)'u', 0x96, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, (byte)'0', (byte)'.']);
        pickles.Add([0x80, 3, (byte)'B', 10, 0, 0, 0, 0x80, 2, .. "cos\na\n."u8, (byte)'C', 1, 0, 0x82, 1, 0x83, 1, 0, 0x84, 1, 0, 0, 0, (byte)'t', (byte)'.']);
        return pickles;
    }

    private static byte[] Zip(byte[] pickle)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("archive/data.pkl", CompressionLevel.NoCompression).Open();
            entry.Write(pickle);
        }

        return file.ToArray();
    }

    private static List<byte[]> Configurations() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Tests, "golden"), "model_config.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        "{\"org\": \"o\", \"name\": \"pythia\", \"condense_ratio\": 1, \"n_head\": 8, \"n_embd\": 64, \"norm_eps\": 1e-05, \"_norm_class\": \"LayerNorm\", \"x\": [1, {\"a\": null}], \"y\": \"\\ud800\"}"u8.ToArray(),
        "#qkvmigrate+ made from lit_config.json\nname: a\n#qkvmigrate- x: 1\ny: 2  #qkvmigrate+\n"u8.ToArray(),
        "{\"name\": \"pythia\", \"n_head\": 8, \"n_embd\": 64}"u8.ToArray(),
        "name: a\nsliding_window_layer_placing: interleaved\nn_layer: 4\n&anchor x: [1, 2]\ny: *anchor\nz: |\n  text\n"u8.ToArray(),
    ];

    private static IEnumerable<string> Goldens() =>
        Directory.EnumerateFiles(Path.Combine(Tests, "golden"), "lit_model.pth", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    private static string FindTests()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, "golden")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("the golden checkpoints are not above the tests' folder");
    }
}
