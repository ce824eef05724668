using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Lora;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Verification.Merging;

/// <summary>A LoRA is added to a base of any format, legacy or upgraded before, and the merged model is proven by its base's format.</summary>
public sealed class MergedBaseTests : IDisposable
{
    private const string Name = "lit_model.pth";
    private const int Mutants = 60;

    private readonly WorkFolder folder = new();
    private readonly LoraModel model = new(new AttentionGeometry(6, 2, 4), new LoraSections(true, false, true));

    /// <summary>Formats other than the zip, in which LitGPT keeps no base.</summary>
    public static TheoryData<string> Others => ["before 1.6", "safetensors"];

    private string Lora => folder.At("run", "lit_model.pth.lora");

    private string Merged => folder.At("merged.pth");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_proven_and_each_bit_of_it_counts(bool isUpgradedBefore)
    {
        var path = Base("zip", isUpgradedBefore);
        Assert.Null(Merge(path).Error);
        Assert.Equal(isUpgradedBefore ? null : MigrationDirection.Upgrade, AssertProven(path).Direction);
        AssertEachBitCounts(path);
    }

    /// <summary>Nothing here merges into them. What another program made of them is proven, or named.</summary>
    [Theory]
    [MemberData(nameof(Others))]
    public void A_base_of_another_format_is_refused_and_what_was_made_of_it_is_proven(string format)
    {
        Assert.Null(Merge(Base("zip", isUpgradedBefore: false)).Error);
        var merged = MergedTensors();
        File.Delete(Merged);
        var path = Base(format, isUpgradedBefore: false);
        Assert.Equal("--lora merge: no base of LitGPT is stored in a file of this format", Merge(path).Error?.Problem);
        Assert.False(File.Exists(Merged));
        File.WriteAllBytes(Merged, Write(format, merged));
        AssertProven(path);
        AssertEachBitCounts(path);
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("before 1.6")]
    [InlineData("safetensors")]
    public void Another_base_is_a_difference(string format)
    {
        Assert.Null(Merge(Base("zip", isUpgradedBefore: false)).Error);
        var merged = MergedTensors();
        var path = Base(format, isUpgradedBefore: false);
        File.WriteAllBytes(Merged, Write(format, merged));
        AssertProven(path);
        var tensors = BaseTensors();
        tensors[0].Bytes[(5 * sizeof(float)) + 3] ^= 0x40;
        File.WriteAllBytes(path, Write(format, tensors));
        Assert.Single(Verify(path).Differences);
    }

    /// <summary>A base that is cut in shards is none that LitGPT finds: both say so.</summary>
    [Fact]
    public void A_base_in_shards_is_refused_by_both()
    {
        var tensors = BaseTensors();
        Directory.CreateDirectory(folder.At("base"));
        File.WriteAllBytes(folder.At("base", "model-1.safetensors"), Safetensors([tensors[0]]));
        File.WriteAllBytes(folder.At("base", "model-2.safetensors"), Safetensors(tensors[1..]));
        File.WriteAllText(
            folder.At("base", "model.safetensors.index.json"),
            $$"""{"weight_map": {{{string.Join(", ", tensors.Select((tensor, number) => $"\"{tensor.Name}\": \"model-{(number == 0 ? 1 : 2)}.safetensors\""))}}} }""");
        WriteRun();
        var merged = Merge(folder.At("base"));
        Assert.NotNull(merged.Error);
        Assert.False(File.Exists(Merged));
        File.WriteAllBytes(Merged, Safetensors(tensors));
        Assert.Equal(merged.Error.Problem, Verify(folder.At("base")).Error?.Problem);
    }

    private VerificationReport AssertProven(string path)
    {
        var report = Verify(path);
        Assert.Null(report.Error);
        Assert.Empty(report.Differences);
        Assert.Equal(2, report.Coverage.MergedWeights);
        return report;
    }

    private void AssertEachBitCounts(string path)
    {
        var bytes = File.ReadAllBytes(Merged);
        var random = new Random(20261128);
        for (var i = 0; i < Mutants; i++)
        {
            // As many bytes as a number has: with its last bits alone, a merged number may be right still.
            byte[] mutant = [.. bytes];
            var at = random.Next(bytes.Length - sizeof(float));
            for (var k = 0; k < sizeof(float); k++)
            {
                mutant[at + k] ^= 0x40;
            }

            File.WriteAllBytes(Merged, mutant);
            Assert.False(Verify(path).IsVerified, $"{at}");
        }

        File.WriteAllBytes(Merged, bytes);
    }

    private string Base(string format, bool isUpgradedBefore)
    {
        Directory.CreateDirectory(folder.At("base"));
        var path = folder.At("base", Name);
        File.WriteAllBytes(path, Write(format, BaseTensors()));
        WriteRun();
        if (isUpgradedBefore)
        {
            var report = Assert.Single(Migrator.Run(
                new MigrationRequest { Path = path, Output = folder.At("base", "upgraded.pth"), Direction = MigrationDirection.Upgrade, Engine = () => new StreamReorderEngine() },
                TestContext.Current.CancellationToken));
            Assert.Null(report.Error);
            File.Move(folder.At("base", "upgraded.pth"), path, overwrite: true);
        }

        return path;
    }

    private static byte[] Write(string format, StoredTensor[] tensors) => format switch
    {
        "zip" => TorchFile.Write(tensors),
        "before 1.6" => Before16(tensors),
        _ => Safetensors(tensors),
    };

    /// <summary>The tensors of the merged file.</summary>
    private StoredTensor[] MergedTensors()
    {
        using var merged = Checkpoint.Open(Merged);
        return [.. merged.Tensors.Select(tensor => new StoredTensor(tensor.Name!.Text, "FloatStorage", sizeof(float), [.. tensor.Shape], merged.Source.Read(tensor.FileOffset, (int)tensor.Extent)))];
    }

    private void WriteRun()
    {
        Directory.CreateDirectory(folder.At("run"));
        TorchFile.Save(Lora, [.. model.Tensors().Where(tensor => tensor.Name.Contains("lora_", StringComparison.Ordinal))]);
        File.WriteAllText(folder.At("run", "hyperparameters.yaml"), model.Hyperparameters());
        File.WriteAllText(folder.At("base", "model_config.yaml"), model.ModelConfiguration());
    }

    private StoredTensor[] BaseTensors() =>
    [
        .. model.Tensors().Where(tensor => !tensor.Name.Contains("lora_", StringComparison.Ordinal))
            .Select(tensor => tensor with { Name = tensor.Name.Replace(".linear", "", StringComparison.Ordinal), Storage = null }),
        StoredTensor.Floats("transformer.wte.weight", 5, 3),
    ];

    private static byte[] Before16(StoredTensor[] tensors) => new TorchBefore16File
    {
        Objects = Pickle(Dict(tensors.Select((tensor, key) => (tensor.Name, Tensor(Storage(Text($"{key}"), tensor.Bytes.Length / 4), 0, tensor.Shape, [tensor.Shape[1], 1]))))),
        Keys = Pickle(List(tensors.Select((_, key) => Text($"{key}")))),
        Storages = [.. tensors.SelectMany(tensor => (byte[])[.. BitConverter.GetBytes(tensor.Bytes.LongLength / 4), .. tensor.Bytes])],
    }.Bytes();

    private static byte[] Safetensors(StoredTensor[] tensors) => SafetensorsFile.Write(
        tensors.Select(tensor => (tensor.Name, "F32", tensor.Shape.Select(size => (int)size).ToArray())),
        sizeof(float),
        [.. tensors.SelectMany(tensor => tensor.Bytes)]);

    private CheckpointReport Merge(string path) => Assert.Single(Migrator.Run(
        new MigrationRequest
        {
            Path = Lora,
            Output = Merged,
            Direction = MigrationDirection.Upgrade,
            Lora = new LoraOptions(LoraTreatment.Merge) { Base = path },
            Engine = () => new StreamReorderEngine(),
            LowRankUpdater = () => new PlainUpdater(),
        },
        TestContext.Current.CancellationToken));

    private VerificationReport Verify(string path) => Assert.Single(PathVerifier.Run(
        Lora,
        Merged,
        new VerificationOptions { Merge = new MergeOptions { Base = path } },
        TestContext.Current.CancellationToken));
}
