using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Whether a tensor lies in its storage as a copy does, and not as a view of something else.</summary>
/// <param name="file">The file that it is in.</param>
internal sealed class CopyPlacement(Checkpoint file)
{
    /// <summary>How many tensors look into each storage.</summary>
    private readonly Lazy<Dictionary<StorageEntry, int>> looks = new(() => file.Tensors.CountBy(tensor => tensor.Storage).ToDictionary());

    /// <summary>Whether a tensor looks at a part of a storage whose other bytes nothing looks at: it may be a view of what was there.</summary>
    public bool IsRestOfStorage(TensorEntry tensor) =>
        tensor.Extent < tensor.Storage.Length && looks.Value[tensor.Storage] == 1;

    /// <summary>
    /// Whether the elements of a tensor lie as those of a copy: as its original's (deepcopy), or with no gap between them, in the order of
    /// its original's dimensions (clone) or of its own (contiguous).
    /// </summary>
    public static bool LiesAsCopy(TensorEntry tensor, TensorEntry original)
    {
        if (!tensor.Shape.SequenceEqual(original.Shape))
        {
            return false;
        }

        var real = Enumerable.Range(0, tensor.Shape.Count).Where(i => tensor.Shape[i] > 1).ToList();
        if (real.TrueForAll(i => tensor.Strides[i] == original.Strides[i]))
        {
            return true;
        }

        var inner = 1L;
        foreach (var i in real.OrderBy(i => tensor.Strides[i]))
        {
            if (tensor.Strides[i] != inner)
            {
                return false;
            }

            inner *= tensor.Shape[i];
        }

        return IsDescending(tensor) || real.Zip(real.Skip(1)).All(pair =>
            (tensor.Strides[pair.First] > tensor.Strides[pair.Second]) == (original.Strides[pair.First] > original.Strides[pair.Second]));

        bool IsDescending(TensorEntry one) => real.Zip(real.Skip(1)).All(pair => one.Strides[pair.First] > one.Strides[pair.Second]);
    }
}
