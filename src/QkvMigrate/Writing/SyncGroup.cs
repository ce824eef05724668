using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>
/// Pieces of work side by side, each of which waits for the disk again and again. A few compute at a time; one that waits gives its turn to
/// another. What they wait for is brought to the disk together: one call for a filesystem costs a small part of one for each file. The
/// order of each piece of work stays its own, because none goes on before the disk has what it waits for.
/// </summary>
/// <param name="turns">How many compute at a time, at least 1.</param>
/// <param name="alone">How many of these may be pieces that are too large to wait together.</param>
/// <param name="flushTogether">Brings files and names of one filesystem to the disk, as <see cref="HostSystem.FlushTogether"/> does.</param>
/// <param name="patience">The longest that those who wait are kept waiting for more to come.</param>
internal sealed class SyncGroup(int turns, int alone, FilesystemSyncs.Flush flushTogether, TimeSpan patience)
{
    /// <summary>Longer than a disk takes for a few files, and nothing beside what it takes for many one by one.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

    [ThreadStatic]
    private static SyncGroup? ofThread;

    private readonly Turns turns = new(turns);
    private readonly Turns turnsAlone = new(Math.Min(turns, alone));
    private readonly FilesystemSyncs filesystems = new(flushTogether);
    private readonly object gate = new();

    private List<SyncRequest> pending = [];
    private int members;
    private int awaited;
    private bool isLed;

    /// <summary>
    /// A group for which the system flushes. One more than the jobs compute, because a rename, too, can wait for the filesystem's journal, with its
    /// turn in hand.
    /// </summary>
    /// <param name="jobs">How many the user wants to compute at a time, at least 1.</param>
    public SyncGroup(int jobs)
        : this(jobs + 1, jobs, HostSystem.Current.FlushTogether, Patience)
    {
    }

    /// <summary>
    /// How many should wait before the disk is asked: half of all, while the other half computes. Where they are few there is nothing to
    /// gain.
    /// </summary>
    private int Wanted => members < FilesystemSyncs.Fewest ? 1 : Math.Max((members + 1) / 2, FilesystemSyncs.Fewest);

    /// <summary>The group in which the calling thread works, or null.</summary>
    public static SyncGroup? OfThread => ofThread;

    /// <summary>Runs a piece of work when it is its turn. Its syncs are brought to the disk together with those of others.</summary>
    public void Run(Action work)
    {
        lock (gate)
        {
            members++;
        }

        ofThread = this;
        try
        {
            turns.During(work);
        }
        finally
        {
            ofThread = null;
            lock (gate)
            {
                members--;
                CallLeader();
            }
        }
    }

    /// <summary>Runs a piece of work that is too large to make others wait for it: it has a turn from end to end, and syncs each file by itself.</summary>
    public void RunAlone(Action work) => turnsAlone.During(() => turns.During(work));

    /// <summary>Has another piece of work compute while the calling thread waits for something, such as what another piece holds.</summary>
    public static void WhileWaiting(Action wait)
    {
        var group = ofThread;
        group?.turns.GiveBack();
        try
        {
            wait();
        }
        finally
        {
            group?.turns.Take();
        }
    }

    /// <summary>Asks for a sync, for which a thread of the group will wait.</summary>
    public SyncRequest Ask(DiskSync sync)
    {
        var request = new SyncRequest(sync);
        lock (gate)
        {
            if (filesystems.IsUnable(sync.Device))
            {
                request.Outcome = SyncOutcome.ByItself;
            }
            else
            {
                pending.Add(request);
            }
        }

        return request;
    }

    /// <summary>Waits until the disk has what was asked for, while another piece of work computes.</summary>
    /// <exception cref="IOException">It did not take it.</exception>
    public void WaitFor(SyncRequest request)
    {
        if (!IsDecided(request, out var leads))
        {
            turns.GiveBack();
            SleepUntilDecided(request, leads);
        }

        switch (request.Outcome)
        {
            case SyncOutcome.Lost:
                throw request.Failure!;
            case SyncOutcome.ByItself:
                WhileWaiting(request.Sync.Flush);
                break;
        }
    }

    /// <summary>Whether it is decided what becomes of a request. Otherwise the calling thread waits for that from now on, and may be the one to lead.</summary>
    private bool IsDecided(SyncRequest request, out bool leads)
    {
        lock (gate)
        {
            if (request.Outcome != SyncOutcome.Open)
            {
                leads = false;
                return true;
            }

            request.Waiting = Sleeper.OfThread;
            awaited++;
            CallLeader();
            leads = !isLed;
            isLed = true;
            return false;
        }
    }

    /// <summary>Has the thread that leads begin, where enough wait.</summary>
    private void CallLeader()
    {
        if (awaited >= Wanted)
        {
            Monitor.Pulse(gate);
        }
    }

    /// <summary>Sleeps without a turn, or leads; returns with one.</summary>
    private void SleepUntilDecided(SyncRequest request, bool leads)
    {
        if (!leads)
        {
            Sleeper.OfThread.Sleep();
            if (request.Outcome != SyncOutcome.Open)
            {
                return;
            }
        }

        try
        {
            Lead(request);
        }
        finally
        {
            turns.Take();
        }
    }

    /// <summary>Brings what was asked for until now to the disk, for all. One thread of those that wait does so at a time.</summary>
    /// <param name="own">What that thread waits for.</param>
    private void Lead(SyncRequest own)
    {
        List<SyncRequest> taken;
        lock (gate)
        {
            var end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            while (awaited < Wanted && end - Environment.TickCount64 is > 0 and var left)
            {
                Monitor.Wait(gate, (int)left);
            }

            (taken, pending) = (pending, []);
        }

        HashSet<SyncRequest> together = [];
        try
        {
            together = filesystems.Take(taken);
        }
        finally
        {
            End(own, taken, together);
        }
    }

    /// <summary>Has those who wait go on, one after the other, and one whose request came too late lead next.</summary>
    private void End(SyncRequest own, List<SyncRequest> taken, HashSet<SyncRequest> together)
    {
        List<Sleeper> ready;
        Sleeper? next;
        lock (gate)
        {
            foreach (var request in taken)
            {
                request.Outcome = together.Contains(request) ? SyncOutcome.Together
                    : request.Failure is null ? SyncOutcome.ByItself
                    : SyncOutcome.Lost;
            }

            awaited -= taken.Count(request => request.Waiting is not null);
            ready = [.. taken.Where(request => request != own).Select(request => request.Waiting).OfType<Sleeper>()];
            next = pending.Find(request => request.Waiting is not null)?.Waiting;
            isLed = next is not null;
        }

        ready.ForEach(turns.Promise);
        next?.Wake();
    }
}
