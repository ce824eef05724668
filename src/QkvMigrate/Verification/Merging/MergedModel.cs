using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification.Merging;

/// <summary>The weights of a base that a LoRA was added to, worked out from the two alone.</summary>
internal sealed class MergedModel : IReshapedTensors
{
    private readonly Dictionary<TensorEntry, MergedWeight> weights = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<StorageEntry, MergedWeight> storages = [];

    private MergedModel(bool holdsLora) => HoldsLora = holdsLora;

    /// <summary>Whether the LoRA stood in the base's file, whose names it changes.</summary>
    public bool HoldsLora { get; }

    /// <summary>How many weights there are.</summary>
    public int Count => weights.Count;

    /// <inheritdoc/>
    public TensorEntry? After(TensorEntry tensor) => weights.GetValueOrDefault(tensor)?.After;

    /// <inheritdoc/>
    public long? LengthAfter(StorageEntry storage) => storages.GetValueOrDefault(storage)?.Weight.Extent;

    /// <summary>The weight that a storage holds, or null where none of them is in it.</summary>
    public MergedWeight? In(StorageEntry storage) => storages.GetValueOrDefault(storage);

    /// <summary>Finds the weight of each layer with LoRA.</summary>
    /// <param name="model">The base.</param>
    /// <param name="lora">The LoRA.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="isOldBase">Whether the base's rows are interleaved.</param>
    /// <exception cref="MigrationException">A layer has no weight, or it cannot be told what the weight must be.</exception>
    public static MergedModel Of(Checkpoint model, MergingLora lora, AttentionGeometry geometry, bool isOldBase)
    {
        var names = model.Tensors.Where(tensor => tensor.Name is not null)
            .ToLookup(tensor => MergedNames.Bare(lora.HoldsBase ? MergedNames.Of(tensor.Name!.Text) : tensor.Name!.Text));
        var uses = model.Tensors.CountBy(tensor => tensor.Storage).ToDictionary();
        var rows = lora.Fused(geometry) is { } fused ? new MergedRows(geometry, isOldBase, fused.Choice, fused.AddsByRow) : null;
        var merged = new MergedModel(lora.HoldsBase);
        foreach (var pair in lora.Pairs)
        {
            var candidates = names[MergedNames.Bare($"{pair.Module}.weight")].ToList();
            if (candidates is not [var weight])
            {
                throw new MigrationException(
                    FailureKind.Malformed,
                    $"{candidates.Count} tensors are the weight of '{pair.A.Label}' of {lora.File.Source.Path}, expected 1",
                    model.Source.Path);
            }

            Check(weight, pair, geometry, model, isShared: uses[weight.Storage] > 1 || model.OpaqueStorages.Contains(weight.Storage));
            var found = new MergedWeight(weight, pair, lora, pair.IsFused ? rows : null);
            merged.weights.Add(weight, found);
            merged.storages.Add(weight.Storage, found);
        }

        return merged;
    }

    private static void Check(TensorEntry weight, LoraPair pair, AttentionGeometry geometry, Checkpoint model, bool isShared)
    {
        var problem = 0 switch
        {
            _ when !StoredNumbers.CanRead(weight.DType.Name) => $"elements of {weight.DType} take no LoRA",
            _ when pair.Rank > MergeBound.MaximumRank => $"a LoRA of rank {pair.Rank}, expected at most {MergeBound.MaximumRank}",
            _ when weight.Shape is not [var rows, var columns] || columns != pair.A.Shape[1] || rows != (pair.IsFused ? geometry.FusedRows : pair.B.Shape[0]) =>
                $"shape ({string.Join(", ", weight.Shape)}) does not fit its LoRA: lora_A ({string.Join(", ", pair.A.Shape)}), lora_B ({string.Join(", ", pair.B.Shape)})",
            _ when isShared => "its bytes are shared with another tensor, so what it must be after a merge is not known",
            _ when (weight.Shape[0] > 1 && weight.Strides[0] != weight.Shape[1]) || (weight.Shape[1] > 1 && weight.Strides[1] != 1) =>
                "its rows do not stand one behind the other, so what it must be after a merge is not known",
            _ => null,
        };
        if (problem is not null)
        {
            throw new MigrationException(FailureKind.Unsupported, problem, model.Source.Path, $"tensor '{weight.Label}'");
        }
    }
}
