using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// Gives storages and tensors other numbers in a pickle: the storage's count of elements, a tensor's offset, sizes and
/// strides. Picklers write these once for each tensor. One that shares them among several (by its memo) cannot be edited
/// so, which shows when the edited pickle is read again.
/// </summary>
internal static class TorchNumberEdits
{
    /// <summary>The edits that <paramref name="replacements"/> call for.</summary>
    /// <param name="document">The pickle.</param>
    /// <param name="replacements">The storages that change.</param>
    /// <param name="places">Where each tensor's numbers stand.</param>
    /// <param name="read">Reads a persistent id.</param>
    public static IEnumerable<PickleEdit> Plan(PickleDocument document, IReadOnlyList<StorageReplacement> replacements, IReadOnlyDictionary<TensorEntry, TorchTensorPlaces> places, Func<PicklePersistent, TorchStorage> read)
    {
        var reader = new PickleReader(document.Bytes);
        var numbers = new Dictionary<int, long>();
        var lengths = replacements.ToDictionary(replacement => replacement.Storage, replacement => replacement.Bytes.Length);
        foreach (var persistent in lengths.Count == 0 ? [] : document.Persistents)
        {
            var storage = read(persistent);
            if (lengths.TryGetValue(storage.Entry, out var length))
            {
                numbers[((PickleTuple)persistent.Id.Node).Items[TorchStorages.CountIndex].At] = length / storage.DType.ItemSize;
            }
        }

        foreach (var view in replacements.SelectMany(replacement => replacement.Views))
        {
            var at = places[view.Tensor];
            if (view.Shape.Count != at.Shape.Count || view.Strides.Count != at.Strides.Count)
            {
                throw new ArgumentException($"tensor '{view.Tensor.Label}' has {at.Shape.Count} dimensions, not {view.Shape.Count}", nameof(replacements));
            }

            numbers[at.Offset.At] = view.StorageOffset;
            for (var i = 0; i < view.Shape.Count; i++)
            {
                numbers[at.Shape[i].At] = view.Shape[i];
                numbers[at.Strides[i].At] = view.Strides[i];
            }
        }

        return numbers.Select(number =>
        {
            var instruction = reader.Read(number.Key);
            return new PickleEdit(instruction.Offset, instruction.End - instruction.Offset, PickleNumbers.Encode(document.Protocol, number.Value));
        });
    }

    /// <summary>Reads the edited pickle again: the tensors that change have their new numbers, and all others those that they had.</summary>
    /// <exception cref="MigrationException">They have not: the pickle shares numbers between tensors.</exception>
    public static void Check(byte[] edited, IReadOnlyList<TensorEntry> before, IReadOnlyList<StorageReplacement> replacements)
    {
        var lengths = replacements.ToDictionary(replacement => replacement.Storage.Key, replacement => replacement.Bytes.Length);
        var storages = before.Select(tensor => tensor.Storage).DistinctBy(storage => storage.Key).ToDictionary(storage => storage.Key);
        var views = new Dictionary<TensorEntry, TensorView>(ReferenceEqualityComparer.Instance);
        foreach (var view in replacements.SelectMany(replacement => replacement.Views))
        {
            views.Add(view.Tensor, view);
        }

        foreach (var (old, young) in before.Zip(Read(edited, lengths, storages, replacements)))
        {
            var wanted = views.GetValueOrDefault(old) ?? new TensorView(old, old.StorageOffset, old.Shape, old.Strides);
            if (young.StorageOffset != wanted.StorageOffset || !young.Shape.SequenceEqual(wanted.Shape) || !young.Strides.SequenceEqual(wanted.Strides))
            {
                throw Shared(old);
            }
        }
    }

    private static IReadOnlyList<TensorEntry> Read(byte[] edited, Dictionary<string, long> lengths, Dictionary<string, StorageEntry> storages, IReadOnlyList<StorageReplacement> replacements)
    {
        try
        {
            // A storage that no tensor looks into is of no interest here, and as large as its count of elements asks for.
            return new TorchPickle(PickleMachine.Run(edited), key => lengths.TryGetValue(key, out var length)
                ? new StorageEntry(key, 0, length)
                : storages.GetValueOrDefault(key) ?? new StorageEntry(key, 0, long.MaxValue)).Tensors;
        }
        catch (MigrationException)
        {
            // A tensor that must not change reaches out of its storage now.
            throw Shared(replacements[0].Views[0].Tensor);
        }
    }

    private static MigrationException Shared(TensorEntry tensor) =>
        new(FailureKind.Unsupported, "the pickle shares the numbers of its size with another tensor, which must not change with it", where: $"tensor '{tensor.Label}'");
}
