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
    /// <summary>The new numbers that <paramref name="replacements"/> call for, by the instruction that pushes the old one.</summary>
    /// <param name="replacements">The storages that change.</param>
    /// <param name="places">Where the pickle names them and its tensors.</param>
    public static Dictionary<int, long> Plan(IReadOnlyList<StorageReplacement> replacements, TorchPlaces places)
    {
        var numbers = new Dictionary<int, long>();
        var lengths = replacements.ToDictionary(replacement => replacement.Storage, replacement => replacement.Bytes.Length);
        foreach (var (persistent, storage) in places.Storages)
        {
            if (lengths.TryGetValue(storage.Entry, out var length))
            {
                numbers[((PickleTuple)persistent.Id.Node).Items[TorchStorages.CountIndex].At] = length / storage.DType.ItemSize;
            }
        }

        foreach (var view in replacements.SelectMany(replacement => replacement.Views))
        {
            var at = places.Uses[view.Tensor].Tensor.Places;
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

        return numbers;
    }

    /// <summary>The edits that write <paramref name="numbers"/>.</summary>
    public static IEnumerable<PickleEdit> Write(PickleScript script, IReadOnlyDictionary<int, long> numbers)
    {
        var reader = new PickleReader(script.Bytes);
        return numbers.Select(number =>
        {
            var instruction = reader.Read(number.Key);
            return new PickleEdit(instruction.Offset, instruction.End - instruction.Offset, PickleNumbers.Encode(script.Protocol, number.Value));
        });
    }
}
