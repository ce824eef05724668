namespace QkvMigrate.Torch;

/// <summary>
/// What the lanes of a CUDA device know of its queue. TorchSharp 0.107 exposes neither streams nor events: everything
/// runs on the default stream, in order, and one can only wait for all of it. Tickets tell a lane that such a wait has
/// passed its own work already, so that it does not also wait for what another lane has queued since.
/// </summary>
/// <param name="synchronize">Waits for all that is queued.</param>
internal sealed class CudaQueue(Action synchronize)
{
    private long queued;
    private long done;

    /// <summary>Takes a ticket for work that has just been queued.</summary>
    public long Enqueued() => Interlocked.Increment(ref queued);

    /// <summary>Returns when the work of <paramref name="ticket"/> is done.</summary>
    public void Wait(long ticket)
    {
        if (Volatile.Read(ref done) >= ticket)
        {
            return;
        }

        var last = Volatile.Read(ref queued);
        synchronize();
        for (var seen = Volatile.Read(ref done); seen < last;)
        {
            var before = Interlocked.CompareExchange(ref done, last, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
