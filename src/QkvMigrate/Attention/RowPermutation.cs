namespace QkvMigrate.Attention;

/// <summary><paramref name="Length"/> rows that keep their order and come from row <paramref name="Start"/> on of the source.</summary>
/// <param name="Start">The first row in the source.</param>
/// <param name="Length">How many rows.</param>
public readonly record struct RowRun(int Start, int Length)
{
    /// <summary>The first row of the source behind the run.</summary>
    public int End => Start + Length;
}

/// <summary>
/// A permutation of rows, held as the runs of source rows that stand one after the other in the destination.
/// Row <c>i</c> of the destination is the <c>i</c>-th row that the runs name.
/// </summary>
public sealed class RowPermutation
{
    private RowPermutation(IReadOnlyList<RowRun> runs, int rowCount)
    {
        Runs = runs;
        RowCount = rowCount;
    }

    /// <summary>The source rows in the destination's order; neighbouring runs are merged.</summary>
    public IReadOnlyList<RowRun> Runs { get; }

    /// <summary>How many rows are permuted.</summary>
    public int RowCount { get; }

    /// <summary>True where every row stays in its place.</summary>
    public bool IsIdentity => Runs.Count <= 1;

    /// <summary>The permutation that turns a matrix in layout <paramref name="from"/> into one in layout <paramref name="to"/>.</summary>
    /// <param name="geometry">A geometry whose <see cref="AttentionGeometry.Problem"/> is null.</param>
    /// <param name="from">The source's layout.</param>
    /// <param name="to">The destination's layout.</param>
    public static RowPermutation Between(AttentionGeometry geometry, RowOrder from, RowOrder to)
    {
        var places = new Dictionary<HeadBlock, int>();
        foreach (var block in from.Blocks(geometry))
        {
            places.Add(block, places.Count);
        }

        return FromRuns(to.Blocks(geometry).Select(block => new RowRun(places[block] * geometry.HeadSize, geometry.HeadSize)));
    }

    /// <summary>Merges neighbouring runs and checks that each row from 0 on is named once.</summary>
    public static RowPermutation FromRuns(IEnumerable<RowRun> runs)
    {
        var merged = new List<RowRun>();
        foreach (var run in runs)
        {
            if (run.Length < 1 || run.Start < 0)
            {
                throw new ArgumentException($"run of {run.Length} rows from {run.Start} on", nameof(runs));
            }

            if (merged.Count > 0 && merged[^1].End == run.Start)
            {
                merged[^1] = new RowRun(merged[^1].Start, merged[^1].Length + run.Length);
            }
            else
            {
                merged.Add(run);
            }
        }

        var next = 0;
        foreach (var run in merged.OrderBy(run => run.Start))
        {
            if (run.Start != next)
            {
                throw new ArgumentException($"row {Math.Min(run.Start, next)} is named twice or never", nameof(runs));
            }

            next = checked(run.Start + run.Length);
        }

        return new RowPermutation(merged, next);
    }

    /// <summary>The permutation that takes every row back.</summary>
    internal RowPermutation Inverse()
    {
        var places = new List<(int Source, RowRun Run)>(Runs.Count);
        var next = 0;
        foreach (var run in Runs)
        {
            places.Add((run.Start, new RowRun(next, run.Length)));
            next += run.Length;
        }

        return FromRuns(places.OrderBy(place => place.Source).Select(place => place.Run));
    }

    /// <summary>The same permutation of units of <paramref name="pack"/> rows, or null where a run is no multiple of it.</summary>
    public RowPermutation? Packed(int pack) =>
        Runs.Any(run => run.Start % pack != 0 || run.Length % pack != 0)
            ? null
            : FromRuns(Runs.Select(run => new RowRun(run.Start / pack, run.Length / pack)));
}
