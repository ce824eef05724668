using System.Numerics;

namespace QkvMigrate.Verification.Merging;

/// <summary>
/// The sums of a merge in float32, rounded to bfloat16. A stored number that has the same bits is what a merge in float32 makes in one
/// order of its sums, and so within the bound (<see cref="MergeBound"/>). All others are looked at in float64: few, as only sums next to the
/// border of two roundings depend on their order.
/// </summary>
internal sealed class SingleSums
{
    /// <summary>Columns that are looked at together.</summary>
    public static readonly int Step = 4 * Vector<float>.Count;

    private readonly float[] a;
    private readonly float[] b;
    private readonly int rank;
    private readonly int columns;
    private readonly float scaling;

    /// <summary>Takes the matrices and the scaling.</summary>
    public SingleSums(LoraDelta delta, double scaling)
    {
        (a, b) = delta.ToSingles();
        (rank, columns) = (delta.Rank, delta.Width);
        this.scaling = (float)scaling;
    }

    /// <summary>The first of some columns from which on <see cref="Step"/> are not surely right, or their count.</summary>
    /// <param name="place">What their delta is the product of.</param>
    /// <param name="column">The number of the first.</param>
    /// <param name="weights">The base's numbers.</param>
    /// <param name="stored">The merged numbers, as many.</param>
    public int FirstDoubtful(LoraRow place, int column, ReadOnlySpan<ushort> weights, ReadOnlySpan<ushort> stored)
    {
        var factors = b.AsSpan(checked((int)(place.RowOfB * rank)), rank);
        var start = (place.Block * rank * columns) + column;
        var lanes = Vector<float>.Count;
        for (var at = 0; at < stored.Length; at += Step)
        {
            if (at > stored.Length - Step)
            {
                return at;
            }

            var (first, second, third, fourth) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
            for (var (k, from) = (0, start + at); k < factors.Length; k++, from += columns)
            {
                var factor = new Vector<float>(factors[k]);
                first += new Vector<float>(a, from) * factor;
                second += new Vector<float>(a, from + lanes) * factor;
                third += new Vector<float>(a, from + (2 * lanes)) * factor;
                fourth += new Vector<float>(a, from + (3 * lanes)) * factor;
            }

            if (!AreSame(weights[at..], stored[at..], first, second) || !AreSame(weights[(at + (2 * lanes))..], stored[(at + (2 * lanes))..], third, fourth))
            {
                return at;
            }
        }

        return stored.Length;
    }

    private bool AreSame(ReadOnlySpan<ushort> weights, ReadOnlySpan<ushort> stored, Vector<float> lower, Vector<float> upper)
    {
        Vector.Widen(new Vector<ushort>(weights), out var lowerWeights, out var upperWeights);
        Vector.Widen(new Vector<ushort>(stored), out var lowerStored, out var upperStored);
        return AreSame(lowerWeights, lowerStored, lower) && AreSame(upperWeights, upperStored, upper);
    }

    /// <summary>A bfloat16 is the upper half of a float32, rounded to the nearest, to the even one of two. NaN is left to others.</summary>
    private bool AreSame(Vector<uint> weights, Vector<uint> stored, Vector<float> deltas)
    {
        var sum = Vector.AsVectorUInt32(Vector.AsVectorSingle(weights << 16) + (deltas * scaling));
        var rounded = (sum + new Vector<uint>(0x7FFF) + ((sum >> 16) & Vector<uint>.One)) >> 16;
        return Vector.EqualsAll(rounded, stored) && Vector.LessThanOrEqualAll(sum & new Vector<uint>(0x7FFF_FFFF), new Vector<uint>(0x7F80_0000));
    }
}
