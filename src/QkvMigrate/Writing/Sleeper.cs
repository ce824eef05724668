namespace QkvMigrate.Writing;

/// <summary>A thread that sleeps until another wakes it. Where that was before, it does not fall asleep. It does not spin.</summary>
internal sealed class Sleeper : EventWaitHandle
{
    [ThreadStatic]
    private static Sleeper? ofThread;

    private Sleeper()
        : base(initialState: false, EventResetMode.AutoReset)
    {
    }

    /// <summary>The calling thread's own.</summary>
    public static Sleeper OfThread => ofThread ??= new Sleeper();

    /// <summary>Sleeps until <see cref="Wake"/>; the calling thread is the one whose this is.</summary>
    public void Sleep() => WaitOne();

    /// <summary>Wakes the thread.</summary>
    public void Wake() => Set();
}
