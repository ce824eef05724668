using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Where the tensors of a pickle stand in it, and where it names their storages.</summary>
/// <param name="Uses">The tensors.</param>
/// <param name="Storages">The places that name a storage.</param>
internal sealed record TorchPlaces(
    IReadOnlyDictionary<TensorEntry, TorchTensorUse> Uses,
    IReadOnlyList<(PicklePersistent Persistent, TorchStorage Storage)> Storages)
{
    /// <summary>No places, for the many edits that only rename.</summary>
    public static TorchPlaces None { get; } = new(new Dictionary<TensorEntry, TorchTensorUse>(), []);

    /// <summary>The places of <paramref name="tensors"/>, which <paramref name="walk"/> has found once more in the same pickle.</summary>
    public static TorchPlaces Of(IReadOnlyList<TensorEntry> tensors, TorchWalk walk)
    {
        var uses = new Dictionary<TensorEntry, TorchTensorUse>(ReferenceEqualityComparer.Instance);
        foreach (var (tensor, use) in tensors.Zip(walk.Uses))
        {
            uses.Add(tensor, use);
        }

        return new TorchPlaces(uses, [.. walk.StorageUses]);
    }
}
