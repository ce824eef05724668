namespace QkvMigrate.Verification;

/// <summary>The runs of bytes of several views of one storage, which may stand in one another's gaps.</summary>
internal static class MovedRuns
{
    /// <summary>The runs of all views in the order of the second file.</summary>
    /// <param name="views">The views, in the order of their first bytes.</param>
    public static IEnumerable<MovedRun> InOrder(IReadOnlyList<MovedView> views) => views switch
    {
        [] => [],
        [var view] => view.Runs(),
        _ => GroupByGroup(views),
    };

    /// <summary>Only views that stand in one another's gaps have to be merged.</summary>
    private static IEnumerable<MovedRun> GroupByGroup(IReadOnlyList<MovedView> views)
    {
        for (var i = 0; i < views.Count;)
        {
            var (end, next) = (End(views[i]), i + 1);
            for (; next < views.Count && views[next].Tensor.FileOffset < end; next++)
            {
                end = Math.Max(end, End(views[next]));
            }

            foreach (var run in next == i + 1 ? views[i].Runs() : Merged([.. views.Skip(i).Take(next - i)]))
            {
                yield return run;
            }

            i = next;
        }
    }

    private static IEnumerable<MovedRun> Merged(List<MovedView> views)
    {
        var next = new PriorityQueue<IEnumerator<MovedRun>, long>();
        foreach (var view in views)
        {
            Advance(view.Runs().GetEnumerator());
        }

        while (next.TryDequeue(out var runs, out _))
        {
            yield return runs.Current;
            Advance(runs);
        }

        void Advance(IEnumerator<MovedRun> runs)
        {
            if (runs.MoveNext())
            {
                next.Enqueue(runs, runs.Current.Target);
            }
        }
    }

    private static long End(MovedView view) => view.Tensor.FileOffset + view.Tensor.Extent;
}
