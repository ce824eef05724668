namespace QkvMigrate.Writing;

/// <summary>Runs one function on several threads.</summary>
internal static class Workers
{
    /// <summary>
    /// Calls <paramref name="work"/> on <paramref name="count"/> threads, of which the calling one is the first, and returns
    /// when all have ended. They are not threads of the pool, which the work itself may need. Where the system grants
    /// fewer threads, for lack of memory or under a limit on processes, those do all of the work.
    /// </summary>
    /// <param name="count">Threads, at least 1.</param>
    /// <param name="work">Called with the thread's number, from 0. It must not throw, and must go on until nothing is left to take.</param>
    public static void Run(int count, Action<int> work)
    {
        var others = new List<Thread>();
        for (var number = 1; number < count; number++)
        {
            var own = number;
            var thread = new Thread(() => work(own)) { IsBackground = true };
            try
            {
                thread.Start();
            }
            catch (OutOfMemoryException)
            {
                break;
            }

            others.Add(thread);
        }

        work(0);
        others.ForEach(thread => thread.Join());
    }
}
