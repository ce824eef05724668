using System.Numerics;

namespace QkvMigrate.Evidence;

/// <summary>How much of the fused weights is read.</summary>
/// <param name="Layers">Layers at most, evenly chosen.</param>
/// <param name="Rows">About how many rows of each, evenly chosen.</param>
/// <param name="Columns">Columns of each row at most, the first ones.</param>
public sealed record EvidenceSample(int Layers, int Rows, int Columns)
{
    /// <summary>Every number of every layer.</summary>
    public static EvidenceSample All { get; } = new(int.MaxValue, int.MaxValue, int.MaxValue);

    /// <summary>
    /// Little enough to be read before each migration: 2048 reads of 1 KiB in float16, whatever the model's size. A norm
    /// over 512 columns strays by some 3 % from the whole row's, far less than the norms of q, k and v differ.
    /// </summary>
    public static EvidenceSample Quick { get; } = new(4, 512, 512);

    /// <summary>At most so many of <paramref name="all"/>, evenly chosen.</summary>
    public static IReadOnlyList<T> Evenly<T>(IReadOnlyList<T> all, int maximum)
    {
        var count = Math.Min(all.Count, maximum);
        return [.. Enumerable.Range(0, count).Select(number => all[(int)((long)number * all.Count / count)])];
    }

    /// <summary>
    /// The distance from one row that is read to the next, of <paramref name="rows"/> in all. The two numbers have no divisor
    /// in common, so the distance has none in common with any period of q, k and v: each row of a period is read as often as
    /// the others.
    /// </summary>
    public int Step(int rows)
    {
        var step = Math.Max((rows + (long)Rows - 1) / Rows, 1);
        while (BigInteger.GreatestCommonDivisor(step, rows) != 1)
        {
            step++;
        }

        return (int)step;
    }
}
