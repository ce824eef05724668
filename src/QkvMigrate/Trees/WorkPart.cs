using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace QkvMigrate.Trees;

/// <summary>A part of the work (<c>--shard I/N</c>): run <c>I</c> of <c>N</c> that share it, counted from 1, each on a machine of its own.</summary>
public sealed record WorkPart
{
    private WorkPart(int number, int count) => (Number, Count) = (number, count);

    /// <summary>Which one it is, from 1.</summary>
    public int Number { get; }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>Reads <c>I/N</c>; false where it is not that, or I is not one of 1 to N.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out WorkPart? part)
    {
        part = text.Split('/') is [var first, var second]
            && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && int.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && number >= 1 && number <= count
            ? new WorkPart(number, count)
            : null;
        return part is not null;
    }

    /// <summary>
    /// Deals items to <paramref name="count"/> parts so that each has about as many bytes: the largest first, each to the
    /// part that has the fewest bytes so far (longest processing time first: R. L. Graham, "Bounds on multiprocessing
    /// timing anomalies", 1969, by which the fullest part has at most 4/3 of what is possible). Ties go to the part with
    /// fewer items, then to the lower number, so that every run deals the same.
    /// </summary>
    /// <param name="bytes">The items' sizes, in an order that all runs agree on.</param>
    /// <param name="count">The number of parts.</param>
    /// <returns>For each item the number of its part, from 1.</returns>
    internal static int[] Deal(IReadOnlyList<long> bytes, int count) =>

        // Parts beyond one an item get nothing.
        Deal(bytes, Enumerable.Range(1, Math.Min(count, bytes.Count)).Select(number => (number, 0L, 0)));

    /// <summary>Deals items in the same way to parts that have some already.</summary>
    /// <param name="bytes">The items' sizes, in an order that all runs agree on.</param>
    /// <param name="loads">The parts that are dealt to, with bytes and number of their items.</param>
    /// <returns>For each item the number of its part.</returns>
    internal static int[] Deal(IReadOnlyList<long> bytes, IEnumerable<(int Number, long Bytes, int Items)> loads)
    {
        var queue = new PriorityQueue<int, (long Bytes, int Items, int Number)>(loads.Select(load => (load.Number, (load.Bytes, load.Items, load.Number))));
        var parts = new int[bytes.Count];
        foreach (var item in Enumerable.Range(0, bytes.Count).OrderByDescending(item => bytes[item]))
        {
            queue.TryDequeue(out parts[item], out var load);
            queue.Enqueue(parts[item], (load.Bytes + bytes[item], load.Items + 1, load.Number));
        }

        return parts;
    }
}
