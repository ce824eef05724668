using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;

namespace QkvMigrate.Verification.Merging;

/// <summary>Holds a merged model against its LoRA and the base that the LoRA was added to.</summary>
internal sealed class MergeVerification : BegunVerification
{
    private readonly MergingLora lora;
    private readonly Checkpoint model;
    private readonly BegunVerification begun;

    private MergeVerification(MergingLora lora, Checkpoint model, BegunVerification begun)
    {
        this.lora = lora;
        this.model = model;
        this.begun = begun;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<AttentionShape>? Shapes => begun.Shapes;

    /// <summary>The file that has the base.</summary>
    public string BasePath => model.Source.Path;

    /// <summary>Opens all three files.</summary>
    /// <param name="path">The LoRA's file.</param>
    /// <param name="merged">What must be the merged model.</param>
    /// <param name="merge">What the user says about the LoRA.</param>
    /// <param name="options">What the user says of the verification.</param>
    /// <exception cref="MigrationException">The LoRA or its base cannot be found or understood, or the merged model cannot be read.</exception>
    public static MergeVerification Begin(string path, string merged, MergeOptions merge, VerificationOptions options)
    {
        var file = Checkpoint.Open(path);
        Checkpoint? found = null;
        try
        {
            var adapter = MergingLora.Of(file, merge);
            found = adapter.HoldsBase ? Rest(path, merge) : Checkpoint.Open(LoraBase.Find(path, merge.Base));
            return new MergeVerification(adapter, found, CheckpointVerifier.Begin(found, merged, [], options, adapter));
        }
        catch
        {
            found?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override VerificationReport Run(AttentionGeometry? geometry, CancellationToken cancellation)
    {
        var report = begun.Run(geometry, cancellation);
        return report with { Original = lora.File.Source.Path };
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        begun.Dispose();
        model.Dispose();
        lora.File.Dispose();
    }

    /// <summary>A LoRA's own file without its matrices: the base.</summary>
    private static Checkpoint Rest(string path, MergeOptions options)
    {
        if (options.Base is not null)
        {
            throw new MigrationException(FailureKind.Usage, "the base of this LoRA is in the same file, and --lora-base names another", path);
        }

        var file = Checkpoint.Open(path);
        try
        {
            var matrices = MergingLora.Of(file, options).Pairs.SelectMany(pair => new[] { pair.A, pair.B }).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
            var kept = file.Tensors.Where(tensor => !matrices.Contains(tensor)).Select(Described).ToList();
            var rest = file.Without([], [.. matrices]);
            return rest.Tensors.Select(Described).SequenceEqual(kept)
                ? rest
                : throw new MigrationException(FailureKind.Unsupported, "without the LoRA's matrices other tensors are left than before", path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static (string Label, DType Type, ElementView Elements, long Length) Described(TensorEntry tensor) =>
        (tensor.Label, tensor.DType, ElementView.Of(tensor), tensor.Storage.Length);
}
