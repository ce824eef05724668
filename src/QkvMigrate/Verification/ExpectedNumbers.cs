using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>The numbers of a pickle that change where a tensor becomes larger: its storage's count of elements, its offset, sizes and strides.</summary>
internal static class ExpectedNumbers
{
    /// <summary>The new numbers, by the instruction that pushes the old one.</summary>
    /// <param name="pickle">The first file's pickle.</param>
    /// <param name="original">The first file.</param>
    /// <param name="changes">What may differ.</param>
    public static IReadOnlyDictionary<int, long> Of(PickleScript pickle, Checkpoint original, ExpectedChanges changes)
    {
        var numbers = new Dictionary<int, long>();
        if (original.Tensors.All(tensor => changes.After(tensor) == tensor))
        {
            return numbers;
        }

        // The same pickle has the same tensors in the same order; this reading tells where their numbers stand.
        var read = new TorchWalk(pickle.Read(), key => new StorageEntry(original.Source, key, 0, long.MaxValue));
        foreach (var (tensor, use) in original.Tensors.Zip(read.Uses))
        {
            var after = changes.After(tensor);
            if (after == tensor)
            {
                continue;
            }

            var places = use.Tensor.Places;
            numbers[places.Count.At] = after.Storage.Length / after.DType.ItemSize;
            numbers[places.Offset.At] = after.StorageOffset;
            for (var i = 0; i < after.Shape.Count; i++)
            {
                numbers[places.Shape[i].At] = after.Shape[i];
                numbers[places.Strides[i].At] = after.Strides[i];
            }
        }

        return numbers;
    }
}
