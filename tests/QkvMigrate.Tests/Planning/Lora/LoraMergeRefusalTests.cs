using QkvMigrate.Attention;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>What keeps a LoRA from being merged is told in one line; nothing is written.</summary>
public sealed class LoraMergeRefusalTests : IDisposable
{
    private const string Layer = "transformer.h.0.attn.attn";
    private const string Projection = "transformer.h.0.attn.proj";

    private static readonly LoraModel Model = new(new AttentionGeometry(6, 2, 4), new LoraSections(true, false, true));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qkvmigrate-merge-");

    private string Adapter => Path.Combine(_folder.FullName, "run", "lit_model.pth.lora");

    private string Base => Path.Combine(_folder.FullName, "base", "lit_model.pth");

    private string Hyperparameters => Path.Combine(_folder.FullName, "run", "hyperparameters.yaml");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_right_one_is_merged()
    {
        Write();
        Assert.Null(Merge().Error);
    }

    [Fact]
    public void A_LoRA_is_needed()
    {
        Write(adapter: [Tensor("lm_head.weight", 4, 4, 0)]);
        AssertRefused(FailureKind.Usage, $"{Adapter}: there is no LoRA in it to merge");
    }

    [Fact]
    public void Alpha_is_needed()
    {
        Write();
        File.Delete(Hyperparameters);
        AssertRefused(FailureKind.Usage, $"{Adapter}: lora_alpha is not known: no hyperparameters.yaml beside the file; --lora-alpha settles it", options => options with { Alpha = null });
        File.WriteAllText(Hyperparameters, "lora_query: true\nlora_key: false\nlora_value: true\n");
        AssertRefused(FailureKind.Usage, $"{Adapter}: lora_alpha is not known: hyperparameters.yaml beside the file does not say it; --lora-alpha settles it", options => options with { Alpha = null });
        File.WriteAllText(Hyperparameters, "lora_alpha: many\n");
        AssertRefused(FailureKind.Malformed, $"{Hyperparameters}: line 1: lora_alpha is 'many', expected a number", options => options with { Alpha = null });
    }

    [Fact]
    public void The_rank_is_the_matrices()
    {
        Write();
        AssertRefused(FailureKind.Conflict, $"{Adapter}: tensor '{Layer}.lora_B': --lora-r is 8, but lora_B has 2 columns", options => options with { Rank = 8 });
        File.WriteAllText(Hyperparameters, "lora_r: 16\n");
        AssertRefused(FailureKind.Conflict, $"{Adapter}: tensor '{Layer}.lora_B': lora_r in hyperparameters.yaml is 16, but lora_B has 2 columns");
        File.WriteAllText(Hyperparameters, "lora_r: 2.5\n");
        AssertRefused(FailureKind.Malformed, $"{Hyperparameters}: line 1: lora_r is '2.5', expected a whole number");
    }

    [Fact]
    public void A_base_is_needed()
    {
        Write();
        AssertRefused(FailureKind.Usage, $"{Adapter}: the base of this LoRA is not known: no checkpoint_dir in a hyperparameters.yaml beside the file; --lora-base PATH names it", options => options with { Base = null });
        File.WriteAllText(Hyperparameters, "checkpoint_dir: nowhere/at-all\n");
        AssertRefused(FailureKind.Io, "nowhere/at-all: the base that checkpoint_dir in hyperparameters.yaml names is not there (seen from the working directory, as LitGPT sees it); --lora-base PATH names it", options => options with { Base = null });
        AssertRefused(FailureKind.Io, "/nowhere/lit_model.pth: the base of the LoRA is not there", options => options with { Base = "/nowhere/lit_model.pth" });
    }

    [Fact]
    public void Nothing_beside_the_LoRA_gets_lost()
    {
        Write(adapter: [.. LoraTensors(), Tensor("transformer.wte.weight", 4, 4, 9)]);
        AssertRefused(FailureKind.Unsupported, $"{Adapter}: tensor 'transformer.wte.weight': it is no part of the LoRA, and a merge would lose it");
    }

    [Fact]
    public void Each_layer_has_its_weight()
    {
        Write(model: [.. BaseTensors().Where(tensor => tensor.Name != Projection + ".weight")]);
        AssertRefused(FailureKind.Malformed, $"{Base}: there is no weight {Projection}.weight, or one of its old name, for lora_A '{Projection}.lora_A' of {Adapter}");
    }

    [Fact]
    public void A_weight_of_another_shape_is_refused()
    {
        Write(model: [.. BaseTensors().Select(tensor => tensor.Name == Layer + ".weight" ? Tensor(tensor.Name, 40, 12, 0) : tensor)]);
        AssertRefused(FailureKind.Geometry, $"{Base}: tensor '{Layer}.weight': shape (40, 12) does not fit its LoRA: lora_A (4, 24), lora_B (32, 2)");
    }

    [Fact]
    public void A_tied_weight_is_refused()
    {
        var tensors = BaseTensors();
        Write(model: [.. tensors, tensors[1] with { Name = "tied" }]);
        AssertRefused(FailureKind.Unsupported, $"{Base}: tensor '{Projection}.weight': its bytes are shared with another tensor, so that no delta can be added to it alone");
    }

    [Fact]
    public void A_base_with_LoRA_is_refused()
    {
        Write(model: [.. BaseTensors(), Tensor("lm_head.lora_A", 2, 4, 7), Tensor("lm_head.lora_B", 4, 2, 8)]);
        AssertRefused(FailureKind.Unsupported, $"{Base}: tensor 'lm_head.lora_A': the base of a LoRA has LoRA itself");
    }

    [Fact]
    public void A_base_without_fused_attention_is_refused()
    {
        Write(model: [Tensor("lm_head.weight", 4, 4, 0)]);
        AssertRefused(FailureKind.Unsupported, $"{Base}: the base of the LoRA has no fused attention of LitGPT's (attn.attn or attn.qkv)");
    }

    [Fact]
    public void A_base_in_the_same_file_is_the_only_one()
    {
        Write(adapter: Model.Tensors());
        AssertRefused(FailureKind.Usage, $"{Adapter}: the base of this LoRA is in the same file, and --lora-base names another");
    }

    [Theory]
    [InlineData(MigrationDirection.Upgrade, true)]
    [InlineData(MigrationDirection.Downgrade, false)]
    public void Only_an_upgrade_merges_into_a_new_file(MigrationDirection direction, bool inPlace)
    {
        Write();
        var request = Request(options => options) with { Direction = direction, InPlace = inPlace };
        var error = Assert.Throws<MigrationException>(() => Migrator.Run(request, CancellationToken.None));
        Assert.Equal((FailureKind.Usage, "a LoRA is merged by an upgrade, into a new file"), (error.Kind, error.Message));
    }

    private static StoredTensor Tensor(string name, int rows, int columns, int storage) =>
        StoredTensor.Floats(name, new float[rows * columns], [rows, columns], storage);

    private static IReadOnlyList<StoredTensor> LoraTensors() => [.. Model.Tensors().Where(IsLora)];

    private static IReadOnlyList<StoredTensor> BaseTensors() =>
        [.. Model.Tensors().Where(tensor => !IsLora(tensor)).Select(tensor => tensor with { Name = tensor.Name.Replace(".linear", "", StringComparison.Ordinal) })];

    private static bool IsLora(StoredTensor tensor) => tensor.Name.Contains("lora_", StringComparison.Ordinal);

    private void Write(IReadOnlyList<StoredTensor>? adapter = null, IReadOnlyList<StoredTensor>? model = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Adapter)!);
        Directory.CreateDirectory(Path.GetDirectoryName(Base)!);
        TorchFile.Save(Adapter, adapter ?? LoraTensors());
        TorchFile.Save(Base, model ?? BaseTensors());
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(Base)!, "model_config.yaml"), Model.ModelConfiguration());
        File.WriteAllText(Hyperparameters, "lora_query: true\nlora_key: false\nlora_value: true\n");
    }

    private MigrationRequest Request(Func<LoraOptions, LoraOptions> change) => new()
    {
        Path = Adapter,
        Direction = MigrationDirection.Upgrade,
        Lora = change(new LoraOptions(LoraTreatment.Merge) { Base = Base, Alpha = 16 }),
        Engine = () => new StreamReorderEngine(),
        LowRankUpdater = () => new PlainUpdater(),
    };

    private CheckpointReport Merge(Func<LoraOptions, LoraOptions>? change = null) =>
        Assert.Single(Migrator.Run(Request(change ?? (options => options)), CancellationToken.None));

    private void AssertRefused(FailureKind kind, string message, Func<LoraOptions, LoraOptions>? change = null)
    {
        var report = Merge(change);
        Assert.Equal((kind, message), (report.Error?.Kind, report.Error?.Message));
        Assert.False(File.Exists(report.Path.Replace(".pth.lora", "-merged.pth", StringComparison.Ordinal)));
    }
}
