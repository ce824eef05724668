using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>Looks at values that are no tensors and may hold fused ones: arrays, sparse tensors, lists of numbers, bytes, storages.</summary>
/// <param name="shapes">The shapes of the fused tensors.</param>
/// <param name="sizes">The sizes of what can be made of them.</param>
/// <param name="names">Tells names that explain themselves.</param>
/// <param name="counts">How many elements the fused tensors and the models have.</param>
internal sealed class OtherCopies(IEnumerable<string> shapes, FusedSizes sizes, StrangeNames names, IReadOnlySet<Int128> counts)
{
    /// <summary>Bytes that an element has: complex numbers aside, which no weights are.</summary>
    private static readonly int[] ElementSizes = [1, 2, 4, 8];

    private readonly HashSet<string> shapes = [.. shapes];
    private readonly List<string> told = [];

    /// <summary>What may hold fused tensors and stays, each in words.</summary>
    public IReadOnlyList<string> Told => told;

    /// <summary>Looks at all such values of a file.</summary>
    /// <exception cref="MigrationException">One may be a copy of fused weights, whose rows cannot be moved.</exception>
    public void Check(IReadOnlyList<OtherValue> values)
    {
        foreach (var value in values)
        {
            var isOfFusedShape = value.Sizes is { } own && shapes.Contains(string.Join(',', own));
            if (IsWeight(value, isOfFusedShape))
            {
                throw CopyRefusals.Unmovable(value);
            }

            if ((isOfFusedShape && !IsExplained(value)) || MayBeMadeOfThem(value) || HasBytesOfThem(value))
            {
                told.Add($"'{value.Label}' ({value.Description})");
            }
        }
    }

    /// <summary>
    /// Whether a value that is no tensor has floats in sizes that fused tensors, or what can be made of them, would have. Lists of
    /// lists are made of anything; of three dimensions they are a list of matrices.
    /// </summary>
    private bool IsWeight(OtherValue value, bool isOfFusedShape) =>
        value is { Sizes: { } own, MayBeFloats: true, IsTensorLike: true }
        && !ParameterWords.IsNamed(value.Label)
        && (isOfFusedShape || ((value.Kind != OtherValueKind.Numbers || own.Count > 2) && sizes.FormOf(own) is not null));

    /// <summary>The same for other numbers than floats.</summary>
    private bool MayBeMadeOfThem(OtherValue value) =>
        value is { Sizes: { } own, MayBeFloats: false }
        && !ParameterWords.IsNamed(value.Label)
        && (value.Kind == OtherValueKind.Array || own.Count > 2)
        && sizes.FormOf(own) is not null;

    private bool HasBytesOfThem(OtherValue value) =>
        value.Bytes is { } bytes && ElementSizes.Any(size => bytes % size == 0 && counts.Contains(bytes / size));

    private bool IsExplained(OtherValue value) => ParameterWords.IsNamed(value.Label) && names.IsKnown(value.Key);
}
