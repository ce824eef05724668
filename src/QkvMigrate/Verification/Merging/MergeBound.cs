using System.Numerics;

namespace QkvMigrate.Verification.Merging;

/// <summary>
/// How far a merged number may be from the true sum <c>w + s·(b₁a₁ + … + b_r·a_r)</c>. The sum is made in float32 (in float64 for
/// weights of that) in whatever order, and rounded to the stored type. With u = 2⁻²⁴ (2⁻⁵³) and γ(n) = n·u / (1 − n·u), which bounds n
/// roundings one upon the other (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), a stored number is right where it is
/// not farther off than
/// <code>half a unit in its last place + γ(r + 3)·|s|·(|b₁a₁| + … + |b_r·a_r|) + u·|true sum| + (r + 2)·(1 + |s|)·tiny</code>
/// with tiny the smallest number of the type that is computed in. The third term falls away where the stored type is that type: its
/// rounding is the half unit. Matrices of float64 are rounded before they are multiplied: then it is γ(r + 5).
/// </summary>
internal sealed class MergeBound
{
    private const long ExponentBits = 0x7FF0_0000_0000_0000;

    private readonly double scaling;
    private readonly double products;
    private readonly double sum;
    private readonly double tiny;
    private readonly double largest;
    private readonly double halfUnit;
    private readonly double smallestNormal;
    private readonly double overflow;

    /// <param name="weight">The stored type, by PyTorch's name.</param>
    /// <param name="matrices">That of the matrices.</param>
    /// <param name="rank">r.</param>
    /// <param name="scaling">s.</param>
    public MergeBound(string weight, string matrices, long rank, double scaling)
    {
        var isDouble = weight == "float64";
        var unit = Math.ScaleB(1, isDouble ? -53 : -24);
        var roundings = rank + 3 + (matrices == "float64" && !isDouble ? 2 : 0);

        // The verifier's own sums, in float64, lose as much as others do in it.
        var own = (rank + 3) * Math.ScaleB(1, -52);
        this.scaling = scaling;
        products = Math.Abs(scaling) * ((roundings * unit / (1 - (roundings * unit))) + own);
        (var mantissa, var exponent) = weight switch
        {
            "float64" => (52, 1023),
            "float32" => (23, 127),
            "float16" => (10, 15),
            _ => (7, 127),
        };
        sum = (weight == "float32" || isDouble ? 0 : unit) + Math.ScaleB(1, -52);
        tiny = (rank + 2) * (1 + Math.Abs(scaling)) * (isDouble ? double.Epsilon : float.Epsilon);
        largest = isDouble ? double.MaxValue : float.MaxValue * (1 - (roundings * unit));
        halfUnit = Math.ScaleB(1, -mantissa - 1);
        smallestNormal = Math.ScaleB(1, 1 - exponent);

        // From here on a number is rounded to infinity (IEEE 754-2019, 4.3.1).
        overflow = isDouble ? double.MaxValue : Math.ScaleB(2 - halfUnit, exponent);
    }

    /// <summary>The bound in a few words, as reports say it.</summary>
    public const string InWords = "each number within half a unit in the last place and what float32 may lose in r products";

    /// <summary>The largest rank whose roundings can be bounded.</summary>
    public const long MaximumRank = 1 << 20;

    /// <summary>
    /// The first of some numbers that may be wrong before each of its products is looked at, or their count: all before it are right.
    /// </summary>
    /// <param name="weights">The base's numbers.</param>
    /// <param name="deltas">The sums of products.</param>
    /// <param name="stored">The merged numbers, as many as the others.</param>
    public int FirstDoubtful(ReadOnlySpan<double> weights, ReadOnlySpan<double> deltas, ReadOnlySpan<double> stored)
    {
        var lanes = Vector<double>.Count;
        var at = 0;
        while (at <= stored.Length - lanes && AreSurelyRight(new(weights[at..]), new(deltas[at..]), new(stored[at..])))
        {
            at += lanes;
        }

        return at;
    }

    private bool AreSurelyRight(Vector<double> weights, Vector<double> deltas, Vector<double> stored)
    {
        var exact = weights + (deltas * scaling);
        var power = (stored.As<double, long>() & new Vector<long>(ExponentBits)).As<long, double>();

        // The sum of the products' magnitudes is no less than the magnitude of their sum.
        var allowed = (power * halfUnit) + (Vector.Abs(deltas) * products) + (Vector.Abs(exact) * sum);
        return Vector.LessThanOrEqualAll(Vector.Abs(stored - exact), allowed)
            && Vector.LessThanAll(allowed, new Vector<double>(double.PositiveInfinity));
    }

    /// <summary>Whether a number is right.</summary>
    /// <param name="weight">w.</param>
    /// <param name="terms">The products' two factors, in turn.</param>
    /// <param name="stored">The merged number.</param>
    public bool IsRight(double weight, IEnumerable<(double B, double A)> terms, double stored)
    {
        var (delta, magnitude, isFinite) = (0.0, 0.0, double.IsFinite(weight));
        foreach (var (b, a) in terms)
        {
            delta += b * a;
            magnitude += Math.Abs(b * a);
            isFinite &= double.IsFinite(a) && double.IsFinite(b);
        }

        var exact = weight + (scaling * delta);
        if (!isFinite)
        {
            return stored.Equals(exact) || (double.IsNaN(stored) && double.IsNaN(exact));
        }

        // Whether such sums overflow on their way depends on their order, which is not known.
        if (!(Math.Max(magnitude, (magnitude * Math.Abs(scaling)) + Math.Abs(weight)) < largest) && !double.IsFinite(stored))
        {
            return true;
        }

        var loss = (magnitude * products) + (Math.Abs(exact) * sum) + tiny;
        return double.IsInfinity(stored)
            ? (exact * Math.Sign(stored)) + loss >= overflow
            : Math.Abs(stored - exact) <= (Math.Max(Power(stored), smallestNormal) * halfUnit) + loss;
    }

    /// <summary>The power of two that a number begins with.</summary>
    private static double Power(double number) =>
        BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(number) & ExponentBits);
}
