namespace QkvMigrate.Writing;

/// <summary>
/// Turns to compute, of which there are a few. They go round in the order in which threads ask for them, and from hand to hand: the many
/// that wait while small files are written would cost more by waking and spinning than they compute.
/// </summary>
/// <param name="count">How many there are.</param>
internal sealed class Turns(int count)
{
    private readonly Lock gate = new();
    private readonly Queue<Sleeper> waiting = new();
    private int free = count;

    /// <summary>Waits for a turn, and takes it.</summary>
    public void Take()
    {
        var sleeper = Sleeper.OfThread;
        if (!TryTake(sleeper))
        {
            sleeper.Sleep();
        }
    }

    /// <summary>Runs a piece of work with a turn in hand.</summary>
    public void During(Action work)
    {
        Take();
        try
        {
            work();
        }
        finally
        {
            GiveBack();
        }
    }

    /// <summary>Has a thread that sleeps, or is about to, woken with a turn as soon as there is one for it.</summary>
    public void Promise(Sleeper sleeper)
    {
        if (TryTake(sleeper))
        {
            sleeper.Wake();
        }
    }

    /// <summary>Gives a turn back, or to the thread that has waited longest.</summary>
    public void GiveBack()
    {
        Sleeper? next;
        lock (gate)
        {
            if (!waiting.TryDequeue(out next))
            {
                free++;
            }
        }

        next?.Wake();
    }

    /// <summary>Takes a turn for a thread, or has the thread wait for one.</summary>
    private bool TryTake(Sleeper sleeper)
    {
        lock (gate)
        {
            if (free > 0)
            {
                free--;
                return true;
            }

            waiting.Enqueue(sleeper);
            return false;
        }
    }
}
