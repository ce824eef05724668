namespace QkvMigrate.Writing;

/// <summary>
/// Turns to compute, of which there are a few. A thread that waits for one sleeps: the many that wait while small files are written would
/// cost more by spinning than they compute.
/// </summary>
/// <param name="count">How many there are.</param>
internal sealed class Turns(int count)
{
    private readonly object gate = new();
    private int free = count;

    /// <summary>Waits for a turn, and takes it.</summary>
    public void Take()
    {
        lock (gate)
        {
            while (free == 0)
            {
                Monitor.Wait(gate);
            }

            free--;
        }
    }

    /// <summary>Gives a turn back.</summary>
    public void GiveBack()
    {
        lock (gate)
        {
            free++;
            Monitor.Pulse(gate);
        }
    }
}
