using System.Text;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Configuration;
using QkvMigrate.Geometry;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Fuzzing;
using QkvMigrate.Tests.Support;
using QkvMigrate.Verification;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>
/// Every parser of the library by name. Those of checkpoints are followed by all that comes behind: plan, new file,
/// verification. Files are written to a folder, which is best in memory.
/// </summary>
internal static class FuzzTargets
{
    private const string ShardName = "model-1.safetensors";
    private const string IndexName = "model.safetensors.index.json";

    private static readonly IEnumerable<byte> YamlMarks = [.. "{}[]:,-#&*!|>'\"%@`\n\r\t 0e\\~"u8, 0xff, 0xc2];

    private static readonly IEnumerable<byte[]> JsonWords =
        new[] { "{", "}", "[", "]", ":", ",", "\"", "null", "true", "1e999", "-1", "18446744073709551615", "\"\\ud800\"", "\\u0000", "\"__metadata__\"", "\"weight_map\"", "\"data_offsets\"", "\"shape\"", "\"dtype\"", "\"I64\"", "\"F4\"", "attn.attn", "attn.qkv", "../" }
            .Select(Encoding.ASCII.GetBytes);

    /// <summary>The target of this name.</summary>
    public static FuzzTarget Make(string name, string folder) => name switch
    {
        "pickle" => new(FuzzSeeds.Pickles, [.. PickleWords()], Pickle),
        "state-dict" => new(FuzzSeeds.StateDicts, [.. PickleWords()], bytes => Migrate(FuzzSeeds.InZip(bytes), folder, LegacyModel.Geometry)),
        "zip" => new(FuzzSeeds.Zips, [.. FuzzTarget.Single([.. "\0\x01/."u8, 0xff]), .. new[] { "PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "PK\x07\x08" }.Select(Encoding.ASCII.GetBytes)], bytes => Migrate(bytes, folder, LegacyModel.Geometry)),
        "torch-legacy" => new(FuzzSeeds.FilesBefore16, [.. PickleWords()], bytes => Migrate(bytes, folder, new AttentionGeometry(4, 2, 1))),
        "safetensors" => new(FuzzSeeds.Safetensors, [.. JsonWords], bytes => Migrate(bytes, folder, LegacyModel.Geometry)),
        "shard-index" => new(FuzzSeeds.Indexes(ShardName), [.. JsonWords], bytes => MigrateShards(bytes, folder)),
        "configuration" => new(FuzzSeeds.Configurations, [.. FuzzTarget.Single(YamlMarks)], bytes => Configuration(bytes, folder)),
        "hyperparameters" => new(FuzzSeeds.Hyperparameters, [.. FuzzTarget.Single(YamlMarks)], bytes => Hyperparameters(bytes, folder)),
        "verified-zip" => Verified(LegacyModel.Legacy.ToFile(), [.. FuzzTarget.Single([.. "\0\x01/.FBZ"u8, 0xff]), .. PickleWords()], folder),
        "verified-torch-legacy" => Verified(LegacyModel.Legacy.ToFileBefore16(), [.. PickleWords()], folder),
        "verified-safetensors" => Verified(LegacyModel.Legacy.ToSafetensors(), [.. JsonWords], folder),
        "verified-index" => new(FuzzSeeds.Indexes(ShardName), [.. JsonWords], bytes => VerifyShards(bytes, folder)),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such target"),
    };

    /// <summary>A checkpoint whose upgrade is mutated: whatever is not that upgrade must not be verified. As the first file, it may be refused.</summary>
    private static FuzzTarget Verified(byte[] original, byte[][] words, string folder)
    {
        var (first, second, mutant) = (Path.Combine(folder, "first.pth"), Path.Combine(folder, "second.pth"), Path.Combine(folder, "mutant.pth"));
        File.WriteAllBytes(first, original);
        Write(first, second, LegacyModel.Geometry);
        var right = File.ReadAllBytes(second);
        return new([right, original], words, bytes =>
        {
            File.WriteAllBytes(mutant, bytes);
            if (Verify(first, mutant).IsVerified && !bytes.AsSpan().SequenceEqual(right))
            {
                throw new InvalidOperationException("it is verified, and is not the upgrade");
            }

            if (Verify(mutant, second).Error is { } error)
            {
                throw error;
            }
        });
    }

    private static void VerifyShards(byte[] index, string folder)
    {
        var (first, second) = (Path.Combine(folder, "first"), Path.Combine(folder, "second"));
        if (!Directory.Exists(second))
        {
            Directory.CreateDirectory(first);
            File.WriteAllBytes(Path.Combine(first, ShardName), FuzzSeeds.Safetensors[0]);
            File.WriteAllBytes(Path.Combine(first, IndexName), FuzzSeeds.Indexes(ShardName)[0]);
            Write(first, second, LegacyModel.Geometry);
        }

        // As the second index, and as the first.
        var indexes = new[] { second, first }.Select(directory => Path.Combine(directory, IndexName)).ToList();
        var kept = indexes.ConvertAll(File.ReadAllBytes);
        foreach (var (path, bytes) in indexes.Zip(kept))
        {
            File.WriteAllBytes(path, index);
            var isVerified = Verify(first, second).IsVerified;
            File.WriteAllBytes(path, bytes);
            if (isVerified && !index.AsSpan().SequenceEqual(bytes))
            {
                throw new InvalidOperationException("it is verified, and is not the index");
            }
        }

        if (index.Length % 2 == 0)
        {
            throw new MigrationException(FailureKind.Verification, "half of the inputs count as refused: nothing but a verdict comes out");
        }
    }

    private static void Write(string from, string to, AttentionGeometry geometry)
    {
        var engine = new StreamReorderEngine();
        _ = Migrator.Run(
            new MigrationRequest
            {
                Path = from,
                Output = to,
                Direction = MigrationDirection.Upgrade,
                Geometry = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
                Force = true,
                Engine = () => engine,
            },
            CancellationToken.None);
    }

    /// <summary>The first report that is no verdict of being right; or the first.</summary>
    private static VerificationReport Verify(string first, string second)
    {
        var options = new VerificationOptions
        {
            Geometry = new GeometryFlags(LegacyModel.Geometry.HeadCount, LegacyModel.Geometry.QueryGroupCount, LegacyModel.Geometry.HeadSize),
        };
        var reports = PathVerifier.Run(first, second, options, CancellationToken.None);
        return reports.FirstOrDefault(report => !report.IsVerified) ?? reports[0];
    }

    private static IEnumerable<byte[]> PickleWords() =>
    [
        .. FuzzTarget.Single(Enum.GetValues<PickleOpcode>().Select(opcode => (byte)opcode)),
        "cposix\nsystem\n"u8.ToArray(),
        "(S'id'\nios\nsystem\n"u8.ToArray(),
        "ctorch._utils\n_rebuild_tensor_v2\n"u8.ToArray(),
        "p0\n"u8.ToArray(),
        "g0\n"u8.ToArray(),
        [0x80, 5],
        [0x95, 255, 255, 255, 255, 255, 255, 255, 127],
        [0x8e, 255, 255, 255, 255, 255, 255, 255, 255],
        [(byte)'j', 255, 255, 255, 127],
        [0x8b, 255, 255, 255, 127],
    ];

    private static void Pickle(byte[] bytes)
    {
        _ = PicklePolicy.ExamineBytes(bytes, "fuzz");
        var document = PickleMachine.Run(bytes);
        _ = PicklePolicy.Examine(document.Script, "fuzz");
        var pickle = new TorchPickle(document, key => AnyFile.Storage(key, 0, 1 << 20));
        var names = pickle.Tensors.Select(tensor => tensor.Name).OfType<NameEntry>().DistinctBy(name => name.Id).ToDictionary(name => name.Id, name => name.Text + "'\n");
        if (pickle.Edit(names, [], []) is { } edited)
        {
            PickleMachine.Run(edited);
        }
    }

    private static void Migrate(byte[] bytes, string folder, AttentionGeometry geometry)
    {
        var path = Path.Combine(folder, "fuzz.pth");
        File.WriteAllBytes(path, bytes);
        if (Checkpoint.LooksLikeOne(path))
        {
            Migrate(path, Path.Combine(folder, "out.pth"), geometry);
        }
    }

    private static void MigrateShards(byte[] index, string folder)
    {
        var source = Directory.CreateDirectory(Path.Combine(folder, "source")).FullName;
        File.WriteAllBytes(Path.Combine(source, ShardName), FuzzSeeds.Safetensors[0]);
        File.WriteAllBytes(Path.Combine(source, IndexName), index);
        Migrate(source, Path.Combine(folder, "output"), LegacyModel.Geometry);
    }

    /// <summary>What the tool finds wrong with its own work is not the input's fault.</summary>
    private static void Migrate(string path, string output, AttentionGeometry geometry)
    {
        var engine = new StreamReorderEngine();
        var reports = Migrator.Run(
            new MigrationRequest
            {
                Path = path,
                Output = output,
                Direction = MigrationDirection.Upgrade,
                Geometry = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
                Lora = new LoraOptions(LoraTreatment.Expand),
                Engine = () => engine,
            },
            CancellationToken.None);
        if (Directory.Exists(output))
        {
            Directory.Delete(output, recursive: true);
        }

        File.Delete(output);
        if (reports.Select(report => report.Error).OfType<MigrationException>().FirstOrDefault() is { } error)
        {
            throw error.Kind == FailureKind.Verification ? new InvalidOperationException(error.Message, error) : error;
        }
    }

    private static void Configuration(byte[] bytes, string folder)
    {
        var refusals = new List<MigrationException>();
        foreach (var name in new[] { ConfigurationRewrite.YamlName, ConfigurationRewrite.JsonName })
        {
            var path = Path.Combine(folder, name);
            File.WriteAllBytes(path, bytes);
            Try(() => ConfigurationReader.Read(path, name), refusals);
            Try(() => ConfigurationRewrite.PlanUpgrade(folder), refusals);
            Try(() => ConfigurationRewrite.PlanDowngrade(folder), refusals);
            File.Delete(path);
        }

        if (refusals.Count > 0)
        {
            throw refusals[0];
        }
    }

    private static void Hyperparameters(byte[] bytes, string folder)
    {
        var expansion = new LoraExpansion(8, new LoraSections(true, false, true));
        File.WriteAllBytes(Path.Combine(folder, LoraHyperparameters.FileName), bytes);
        _ = LoraHyperparameters.Find(folder)!.Agrees(expansion.Sections);
        LoraHyperparameters.Expand(folder, expansion);
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
}
