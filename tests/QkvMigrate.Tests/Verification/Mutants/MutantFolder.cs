using QkvMigrate.Checkpoints;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Optimizers;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Verification.Mutants;

/// <summary>A directory of one kind with its upgrade, of which a test changes one byte after the other.</summary>
internal sealed class MutantFolder : IDisposable
{
    public const string Yaml = "model_config.yaml";

    private const string Index = "model.safetensors.index.json";
    private const string Layer = "transformer.h.0.attn.";
    private const string Configuration = "name: x\norg: y\nn_embd: 16\nn_head: 4\nn_query_groups: 2\nhead_size: 4\n_norm_class: RMSNorm\n";

    private readonly WorkFolder folder = new();

    public MutantFolder(string kind)
    {
        Directory.CreateDirectory(Original);
        File.WriteAllText(Path.Combine(Original, Yaml), Configuration);
        Write(kind);
        var reports = Migrator.Run(
            new MigrationRequest { Path = Original, Output = Upgraded, Direction = MigrationDirection.Upgrade, Engine = () => new StreamReorderEngine() },
            TestContext.Current.CancellationToken);
        Assert.All(reports, report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.Empty(Differences());
    }

    /// <summary>What can be upgraded.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["zip", "before 1.6", "safetensors", "shards", "adapter", "LoRA", "training", "training before 1.6"];

    public string Original => folder.At("original");

    public string Upgraded => folder.At("upgraded");

    /// <summary>The names of the checkpoint files.</summary>
    public IReadOnlyList<string> Files =>
        [.. Directory.EnumerateFiles(Upgraded).Select(path => Path.GetFileName(path)!).Where(name => name is not (Yaml or Index)).Order(StringComparer.Ordinal)];

    public void Dispose() => folder.Dispose();

    /// <summary>The tensors of a file of the upgrade that have numbers.</summary>
    public IReadOnlyList<TensorEntry> Tensors(string file) => Tensors(Upgraded, file);

    /// <summary>The tensors of a file whose rows moved.</summary>
    public IReadOnlyList<TensorEntry> Moved(string file)
    {
        var (before, after) = (File.ReadAllBytes(Path.Combine(Original, file)), File.ReadAllBytes(Path.Combine(Upgraded, file)));
        return [.. Tensors(Original, file).Zip(Tensors(Upgraded, file)).Where(pair => !Same(pair.First, pair.Second)).Select(pair => pair.Second).DistinctBy(tensor => tensor.FileOffset)];

        bool Same(TensorEntry old, TensorEntry now) =>
            before.AsSpan((int)old.FileOffset, (int)old.Extent).SequenceEqual(after.AsSpan((int)now.FileOffset, (int)now.Extent));
    }

    /// <summary>The differences of the upgrade with other bytes in place of some of a file's, under right checksums; the file is then as it was.</summary>
    public IReadOnlyList<Difference> WithBytes(string file, Action<byte[]> change)
    {
        var path = Path.Combine(Upgraded, file);
        var right = File.ReadAllBytes(path);
        byte[] mutant = [.. right];
        change(mutant);
        File.WriteAllBytes(path, right is [(byte)'P', (byte)'K', ..] ? Mended(right, mutant) : mutant);
        var found = Differences();
        File.WriteAllBytes(path, right);
        return found;
    }

    public IReadOnlyList<Difference> Differences()
    {
        var reports = PathVerifier.Run(Original, Upgraded, new VerificationOptions(), TestContext.Current.CancellationToken);
        Assert.All(reports, report => Assert.Null(report.Error), throwIfEmpty: true);
        return [.. reports.SelectMany(report => report.Differences)];
    }

    private static IReadOnlyList<TensorEntry> Tensors(string directory, string file)
    {
        using var checkpoint = Checkpoint.Open(Path.Combine(directory, file));
        return [.. checkpoint.Tensors.Where(tensor => tensor.ElementCount > 0)];
    }

    /// <summary>The changed file with the checksums of its entries.</summary>
    private static byte[] Mended(byte[] right, byte[] mutant) => ZipSurgery.Entries(right)
        .Where(entry => !right.AsSpan(entry.Start, entry.Length).SequenceEqual(mutant.AsSpan(entry.Start, entry.Length)))
        .Aggregate(right, (zip, entry) => ZipSurgery.Edit(zip, entry, bytes => mutant.AsSpan(entry.Start, entry.Length).CopyTo(bytes)));

    private void Write(string kind)
    {
        switch (kind)
        {
            case "zip":
                File.WriteAllBytes(At("lit_model.pth"), LegacyModel.Legacy.ToFile());
                break;
            case "before 1.6":
                File.WriteAllBytes(At("lit_model.pth"), LegacyModel.Legacy.ToFileBefore16());
                break;
            case "safetensors":
                File.WriteAllBytes(At("model.safetensors"), LegacyModel.Legacy.ToSafetensors());
                break;
            case "shards":
                File.WriteAllBytes(At("model-1.safetensors"), Dense((Layer + "attn.weight", [32, 5]), (Layer + "attn.bias", [32])).ToSafetensors());
                File.WriteAllBytes(At("model-2.safetensors"), Dense((Layer + "proj.weight", [5, 16]), ("transformer.h.1.attn.attn.weight", [32, 5])).ToSafetensors());
                File.WriteAllText(
                    At(Index),
                    $$$"""{"weight_map": {"{{{Layer}}}attn.weight": "model-1.safetensors", "{{{Layer}}}attn.bias": "model-1.safetensors", "{{{Layer}}}proj.weight": "model-2.safetensors", "transformer.h.1.attn.attn.weight": "model-2.safetensors"}}""");
                break;
            case "adapter":
                File.WriteAllBytes(
                    At("lit_model.pth.adapter_v2"),
                    Dense((Layer + "attn.linear.weight", [32, 5]), (Layer + "attn.adapter_bias", [32]), (Layer + "attn.adapter_scale", [32]), (Layer + "proj.adapter_bias", [5]), (Layer + "gating_factor", [1, 4])).ToFile());
                break;
            case "LoRA":
                File.WriteAllBytes(
                    At("lit_model.pth.lora"),
                    Dense((Layer + "attn.linear.weight", [32, 5]), (Layer + "attn.lora_A", [4, 5]), (Layer + "attn.lora_B", [24, 2]), (Layer + "proj.lora_A", [2, 16]), (Layer + "proj.lora_B", [5, 2])).ToFile());
                break;
            default:
                Train(isBefore16: kind == "training before 1.6");
                break;
        }
    }

    private void Train(bool isBefore16)
    {
        var file = new PickledFile();
        var names = new[] { TrainingState.Embedding, TrainingState.Fused, TrainingState.Other };
        var model = Dict(names.Select(name => (name, Weights(file, name))));
        var moments = TrainingState.Keyed(names.Select((name, number) => (Int(number), Dict(("step", Int(4)), ("exp_avg", Weights(file, name)), ("exp_avg_sq", Weights(file, name))))));
        var group = TrainingState.NamedGroup([Int(0), Int(1), Int(2)], names);
        File.WriteAllBytes(At("lit_model.pth"), file.Write(Dict(("model", model), ("optimizer", TrainingState.Optimizer(moments, group)), ("iter_num", Int(7))), isBefore16));
    }

    private static string Weights(PickledFile file, string name) => name == TrainingState.Embedding ? file.Floats(7, TrainingState.Columns) : file.Floats(TrainingState.Rows, TrainingState.Columns);

    private static StateDict Dense(params (string Name, int[] Shape)[] tensors) => new(
        [.. tensors.Select((tensor, number) => new TestTensor(tensor.Name, number, tensor.Shape, tensor.Shape.Length == 2 ? [tensor.Shape[1], 1] : [1]))],
        [.. tensors.Select(tensor => tensor.Shape.Aggregate(1, (product, size) => product * size))]);

    private string At(string name) => Path.Combine(Original, name);
}
