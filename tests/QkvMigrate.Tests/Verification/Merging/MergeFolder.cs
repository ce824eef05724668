using QkvMigrate.Attention;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Lora;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Merging;

/// <summary>A LoRA, its base and their merge, each in a directory of its own.</summary>
internal sealed class MergeFolder : IDisposable
{
    public const string Layer = LoraModel.Prefix + "attn";
    public const string Projection = LoraModel.Prefix + "proj";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qkvmigrate-merged-");

    public MergeFolder(LoraSections? sections = null, AttentionGeometry? geometry = null)
    {
        Model = new LoraModel(geometry ?? new AttentionGeometry(6, 2, 4), sections ?? new LoraSections(true, false, true));
        foreach (var folder in new[] { "run", "base" })
        {
            Directory.CreateDirectory(At(folder));
        }

        TorchFile.Save(Lora, LoraTensors);
        TorchFile.Save(Base, BaseTensors);
        File.WriteAllText(At("base/model_config.yaml"), Model.ModelConfiguration());
        File.WriteAllText(Hyperparameters, Model.Hyperparameters());
    }

    public LoraModel Model { get; }

    public string Lora => At("run/lit_model.pth.lora");

    public string Hyperparameters => At("run/hyperparameters.yaml");

    public string Base => At("base/lit_model.pth");

    public string Merged => At("run/lit_model-merged.pth");

    public IReadOnlyList<StoredTensor> LoraTensors => [.. Model.Tensors().Where(IsLora)];

    public IReadOnlyList<StoredTensor> BaseTensors =>
    [
        .. Model.Tensors().Where(tensor => !IsLora(tensor)).Select(tensor => tensor with { Name = tensor.Name.Replace(".linear", "", StringComparison.Ordinal) }),
        StoredTensor.Floats("transformer.wte.weight", 5, 3) with { Storage = 6 },
    ];

    public string At(string name) => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Merges, with a proof of the mode before the result gets its name.</summary>
    public CheckpointReport Merge(VerificationMode? proof = null, Func<ILowRankUpdater>? updater = null) => Assert.Single(Migrator.Run(
        new MigrationRequest
        {
            Path = Lora,
            Direction = MigrationDirection.Upgrade,
            Lora = new LoraOptions(LoraTreatment.Merge) { Base = Base },
            Verification = proof,
            Engine = () => new StreamReorderEngine(),
            LowRankUpdater = updater ?? (() => new PlainUpdater()),
        },
        CancellationToken.None));

    public VerificationReport Verify(VerificationMode mode = VerificationMode.Full, Func<MergeOptions, MergeOptions>? change = null) =>
        Assert.Single(PathVerifier.Run(
            Lora,
            Merged,
            new VerificationOptions { Mode = mode, Merge = (change ?? (options => options))(new MergeOptions { Base = Base }) },
            TestContext.Current.CancellationToken));

    private static bool IsLora(StoredTensor tensor) => tensor.Name.Contains("lora_", StringComparison.Ordinal);
}
