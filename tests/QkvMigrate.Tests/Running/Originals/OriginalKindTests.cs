using QkvMigrate.Running.Originals;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Optimizers;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>The checksum of what it was proves every kind of upgraded checkpoint; no other checksum does, and it proves no other bytes.</summary>
public sealed class OriginalKindTests : IDisposable
{
    private const string Layer = "transformer.h.0.attn.";
    private const int Bits = 120;

    private readonly MigratedFolder folder = new();

    /// <summary>Kinds of one file.</summary>
    public static TheoryData<string> Kinds =>
        ["torch.save", "incremental_save", "before 1.6", "safetensors", "adapter", "adapter beside its base", "LoRA", "LoRA beside its base", "training", "training by name", "training before 1.6"];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_right_checksum_proves_it_and_no_other_does(string kind)
    {
        var original = folder.Write(Bytes(kind), "original");
        var upgraded = folder.Migrate(MigrationDirection.Upgrade, original, "upgraded");
        var right = WorkFolder.Sha256(original).ToLowerInvariant();
        Assert.Equal((true, MigrationDirection.Upgrade), (Prove(upgraded, right).IsVerified, Prove(upgraded, right).Direction));
        Assert.True(Prove(upgraded, right.ToUpperInvariant()).IsVerified);
        for (var i = 0; i < right.Length; i++)
        {
            Assert.False(Prove(upgraded, $"{right[..i]}{(right[i] == '0' ? '1' : '0')}{right[(i + 1)..]}").IsVerified);
        }

        Assert.False(Prove(original, right).IsVerified);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_file_with_another_bit_is_not_proven(string kind)
    {
        var original = folder.Write(Bytes(kind), "original");
        var bytes = File.ReadAllBytes(folder.Migrate(MigrationDirection.Upgrade, original, "upgraded"));
        var right = WorkFolder.Sha256(original);
        var random = new Random(20261128);
        for (var i = 0; i < Bits; i++)
        {
            var at = random.Next(bytes.Length);
            byte[] mutant = [.. bytes];
            mutant[at] ^= (byte)(1 << random.Next(8));
            Assert.False(Prove(folder.Write(mutant, "mutant"), right).IsVerified, $"{at}");
        }
    }

    /// <summary>A zip may have no checksums; that says nothing against its bytes. But an upgrade writes those that it counts.</summary>
    [Theory]
    [InlineData("incremental_save")]
    [InlineData("training")]
    [InlineData("adapter")]
    public void A_file_whose_checksum_is_gone_is_not_proven(string kind)
    {
        var original = folder.Write(Bytes(kind), "original");
        var bytes = File.ReadAllBytes(folder.Migrate(MigrationDirection.Upgrade, original, "upgraded"));
        foreach (var entry in ZipSurgery.Entries(bytes).Where(entry => entry.Length > 0))
        {
            byte[] mutant = [.. bytes];
            ZipSurgery.SetChecksum(mutant, entry, 0);
            Assert.False(Prove(folder.Write(mutant, "mutant"), WorkFolder.Sha256(original)).IsVerified, entry.Name);
        }
    }

    [Fact]
    public void Shards_are_proven_by_their_list()
    {
        folder.Write(Dense((Layer + "attn.weight", [32, 5]), ("transformer.wte.weight", [7, 5])).ToSafetensors(), "legacy", "model-1.safetensors");
        folder.Write(Dense((Layer + "attn.bias", [32]), (Layer + "proj.weight", [5, 16])).ToSafetensors(), "legacy", "model-2.safetensors");
        folder.Write(
            System.Text.Encoding.UTF8.GetBytes(
                $$"""{"weight_map": {"{{Layer}}attn.weight": "model-1.safetensors", "transformer.wte.weight": "model-1.safetensors", "{{Layer}}attn.bias": "model-2.safetensors", "{{Layer}}proj.weight": "model-2.safetensors"} }"""),
            "legacy",
            "model.safetensors.index.json");
        folder.Migrate(MigrationDirection.Upgrade, folder.At("legacy"), "upgraded");
        var list = folder.List("legacy");
        Assert.True(Prove().IsVerified);

        // Each digit of each line in turn.
        var text = File.ReadAllText(list);
        foreach (var at in Enumerable.Range(0, text.Length).Where(i => char.IsAsciiHexDigit(text[i]) && (i % 67) % 8 == 0 && i - text.LastIndexOf('\n', i) <= 64))
        {
            File.WriteAllText(list, $"{text[..at]}{(text[at] == '0' ? '1' : '0')}{text[(at + 1)..]}");
            Assert.False(Prove().IsVerified);
        }

        // The lines of two files exchanged.
        File.WriteAllText(list, text.Replace("model-1", "model-3", StringComparison.Ordinal).Replace("model-2", "model-1", StringComparison.Ordinal).Replace("model-3", "model-2", StringComparison.Ordinal));
        Assert.False(Prove().IsVerified);

        OriginalProof Prove() => MigratedFolder.Prove(folder.At("upgraded"), OriginalChecksums.Read(list));
    }

    private static OriginalReport Prove(string path, string digest) => Assert.Single(MigratedFolder.Prove(path, OriginalChecksums.Of(digest)).Reports);

    private static byte[] Bytes(string kind) => kind switch
    {
        "torch.save" => PyTorchs(),
        "incremental_save" => Incremental(),
        "adapter" => Dense((Layer + "attn.adapter_bias", [32]), (Layer + "attn.adapter_scale", [32]), ("transformer.ln_f.weight", [5])).ToFile(),
        "adapter beside its base" => Dense((Layer + "attn.linear.weight", [32, 5]), (Layer + "attn.adapter_bias", [32]), (Layer + "attn.adapter_scale", [32])).ToFile(),
        "LoRA" => Dense((Layer + "attn.lora_A", [4, 5]), (Layer + "attn.lora_B", [24, 2])).ToFile(),
        "LoRA beside its base" => Dense((Layer + "attn.linear.weight", [32, 5]), (Layer + "attn.lora_A", [4, 5]), (Layer + "attn.lora_B", [24, 2]), (Layer + "proj.lora_A", [2, 16]), (Layer + "proj.lora_B", [5, 2])).ToFile(),
        "training" => Training(isNamed: false, isBefore16: false),
        "training by name" => Training(isNamed: true, isBefore16: false),
        "training before 1.6" => Training(isNamed: false, isBefore16: true),
        _ => OriginalFileTests.Bytes(kind),
    };

    /// <summary>With descriptors and zip64 records, as torch.save writes.</summary>
    private static byte[] PyTorchs()
    {
        var image = new ZipImage();
        foreach (var entry in Entries())
        {
            PyTorchZip.Add(image, entry.Name, entry.Bytes);
        }

        return image.End(PyTorchZip.Tail).ToArray();
    }

    /// <summary>The pickle last, as lit-gpt's incremental_save writes.</summary>
    private static byte[] Incremental() => TorchFile.Write(Entries().OrderBy(entry => entry.Name.EndsWith("data.pkl", StringComparison.Ordinal)));

    private static IEnumerable<(string Name, byte[] Bytes)> Entries()
    {
        var zip = LegacyModel.Legacy.ToFile();
        return ZipSurgery.Entries(zip).Select(entry => (entry.Name, ZipSurgery.Bytes(zip, entry)));
    }

    private static byte[] Training(bool isNamed, bool isBefore16)
    {
        using var state = new TrainingState();
        var names = new[] { TrainingState.Embedding, TrainingState.Fused, TrainingState.Other };
        string[] keys = [.. names.Select((name, number) => isNamed ? Text(name) : Int(number))];
        var model = state.Model();
        var kept = TrainingState.Keyed(keys.Select((key, number) => (key, Dict(("step", Int(2)), ("exp_avg", number == 0 ? state.File.Floats(7, TrainingState.Columns) : state.Matrix())))));
        return state.File.Write(Dict(("model", model), ("optimizer", TrainingState.Optimizer(kept, TrainingState.Group(keys)))), isBefore16);
    }

    private static StateDict Dense(params (string Name, int[] Shape)[] tensors) => new(
        [.. tensors.Select((tensor, number) => new TestTensor(tensor.Name, number, tensor.Shape, tensor.Shape.Length == 2 ? [tensor.Shape[1], 1] : [1]))],
        [.. tensors.Select(tensor => tensor.Shape.Aggregate(1, (product, size) => product * size))]);
}
