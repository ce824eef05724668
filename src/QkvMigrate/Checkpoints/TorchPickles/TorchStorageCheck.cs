using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Reads an edited pickle again: the tensors that change have their new places, and all others those that they had.</summary>
internal static class TorchStorageCheck
{
    /// <summary>Checks.</summary>
    /// <param name="edited">The edited pickle.</param>
    /// <param name="before">The tensors of the old one.</param>
    /// <param name="replacements">Storages with other bytes.</param>
    /// <param name="splits">Tensors with storages of their own.</param>
    /// <exception cref="MigrationException">A tensor has another place: the pickle shares its numbers.</exception>
    public static void Check(byte[] edited, IReadOnlyList<TensorEntry> before, IReadOnlyList<StorageReplacement> replacements, IReadOnlyList<KeyedSplit> splits)
    {
        var wanted = new Dictionary<TensorEntry, (string Key, TensorPlacement View)>(ReferenceEqualityComparer.Instance);
        foreach (var view in replacements.SelectMany(replacement => replacement.Views))
        {
            wanted.Add(view.Tensor, (view.Tensor.Storage.Key, view));
        }

        foreach (var (tensor, key) in splits.SelectMany(split => split.Split.Tensors.Select(tensor => (tensor, split.Key))))
        {
            wanted.Add(tensor, (key, new TensorPlacement(tensor, 0, tensor.Shape, tensor.Strides)));
        }

        var after = Read(edited, before, replacements, splits) ?? throw Shared(wanted.Keys.First());
        foreach (var (old, young) in before.Zip(after))
        {
            var unchanged = (old.Storage.Key, new TensorPlacement(old, old.StorageOffset, old.Shape, old.Strides));
            var (key, view) = wanted.TryGetValue(old, out var found) ? found : unchanged;
            if (young.Storage.Key != key || !IsAt(young, view))
            {
                throw Shared(old);
            }
        }
    }

    /// <summary>The tensors of the edited pickle, or null where they are not as many, or one reaches out of its storage now.</summary>
    private static IReadOnlyList<TensorEntry>? Read(
        byte[] edited, IReadOnlyList<TensorEntry> before, IReadOnlyList<StorageReplacement> replacements, IReadOnlyList<KeyedSplit> splits)
    {
        var storages = before.Select(tensor => tensor.Storage).DistinctBy(storage => storage.Key).ToDictionary(storage => storage.Key);
        foreach (var replacement in replacements)
        {
            storages[replacement.Storage.Key] = replacement.Storage with { Length = replacement.Bytes.Length };
        }

        foreach (var split in splits)
        {
            storages.Add(split.Key, split.Split.View.Storage with { Key = split.Key, Length = split.Split.View.Extent });
        }

        try
        {
            // A storage that no tensor looks into is of no interest here, and as large as its count of elements asks for.
            var other = before[0].Storage with { Offset = 0, Length = long.MaxValue };
            var after = new TorchPickle(PickleMachine.Run(edited, storages.Count), key => storages.GetValueOrDefault(key) ?? other with { Key = key }).Tensors;
            return after.Count == before.Count ? after : null;
        }
        catch (MigrationException)
        {
            return null;
        }
    }

    private static bool IsAt(TensorEntry tensor, TensorPlacement view) =>
        tensor.StorageOffset == view.StorageOffset && tensor.Shape.SequenceEqual(view.Shape) && tensor.Strides.SequenceEqual(view.Strides);

    private static MigrationException Shared(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        "the pickle shares the numbers of its size with another tensor, which must not change with it",
        where: $"tensor '{tensor.Label}'");
}
