using System.Runtime.ExceptionServices;

namespace QkvMigrate.Files;

/// <summary>Looks at many files, several at a time: each look waits for the system by itself.</summary>
internal static class SideBySide
{
    /// <summary>So few are done by the calling thread.</summary>
    private const int Few = 16;

    private static readonly ParallelOptions AllProcessors = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    /// <summary>Calls <paramref name="look"/> with each item. It must not throw.</summary>
    public static void ForEach<T>(IReadOnlyList<T> items, Action<T> look) => _ = Select(items, item =>
    {
        look(item);
        return true;
    });

    /// <summary>
    /// What <paramref name="look"/> makes of each item, in their order. Where it fails for some, all have had their turn, and the failure of the first is
    /// thrown: what is told does not depend on which came first.
    /// </summary>
    public static TResult[] Select<T, TResult>(IReadOnlyList<T> items, Func<T, TResult> look)
    {
        if (items.Count <= Few)
        {
            return [.. items.Select(look)];
        }

        var results = new TResult[items.Count];
        var failures = new ExceptionDispatchInfo?[items.Count];
        Parallel.For(0, items.Count, AllProcessors, i =>
        {
            try
            {
                results[i] = look(items[i]);
            }
            catch (Exception error)
            {
                failures[i] = ExceptionDispatchInfo.Capture(error);
            }
        });
        Array.Find(failures, failure => failure is not null)?.Throw();
        return results;
    }
}
