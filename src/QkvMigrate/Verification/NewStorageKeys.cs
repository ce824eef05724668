using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// The keys that the second file gave to storages that the first does not have. The key itself is free, as long as it is a
/// number, as PyTorch's are, and belongs to nothing else.
/// </summary>
internal sealed class NewStorageKeys
{
    private readonly IReadOnlyList<TensorEntry>? found;
    private readonly Dictionary<MovedView, int> places = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> taken;

    /// <summary>Prepares for two files; <paramref name="moving"/> has the tensors of the first whose rows move, each with its view.</summary>
    public NewStorageKeys(Checkpoint original, Checkpoint upgraded, IReadOnlyDictionary<TensorEntry, MovedView> moving)
    {
        // Where tensors are missing or too many, that is told elsewhere, and none has a counterpart.
        found = original.Tensors.Count == upgraded.Tensors.Count ? upgraded.Tensors : null;
        for (var i = 0; i < original.Tensors.Count; i++)
        {
            if (moving.TryGetValue(original.Tensors[i], out var view))
            {
                places.TryAdd(view, i);
            }
        }

        taken = [.. original.Tensors.Select(tensor => tensor.Storage).Concat(original.OpaqueStorages).Select(storage => storage.Key)];
    }

    /// <summary>The key of the new storage of a view, which no other view gets any more; null where it has none.</summary>
    public string? Of(MovedView view)
    {
        var key = FirstKey(view);
        return key is { Length: > 0 and < 20 } && key.All(char.IsAsciiDigit) && taken.Add(key) ? key : null;
    }

    /// <summary>What was found in the place of a new storage, in words.</summary>
    public string Found(MovedView view) => FirstKey(view) is { } key ? $"found in storage {key}, which is none" : "which cannot be found";

    private string? FirstKey(MovedView view) => found?[places[view]].Storage.Key;
}
