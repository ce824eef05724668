namespace QkvMigrate.Checkpoints;

/// <summary>What the tensors of one element type make up.</summary>
/// <param name="DType">The element type.</param>
/// <param name="Tensors">How many tensors have it.</param>
/// <param name="Bytes">The bytes that they span in the file; what two of them share counts twice.</param>
public sealed record DTypeShare(DType DType, int Tensors, long Bytes)
{
    /// <summary>The shares of <paramref name="tensors"/>, the largest first.</summary>
    public static IReadOnlyList<DTypeShare> Of(IEnumerable<TensorEntry> tensors) =>
        [.. tensors.GroupBy(tensor => tensor.DType)
            .Select(group => new DTypeShare(group.Key, group.Count(), group.Sum(tensor => tensor.Extent)))
            .OrderByDescending(share => share.Bytes).ThenBy(share => share.DType.Name, StringComparer.Ordinal)];
}
