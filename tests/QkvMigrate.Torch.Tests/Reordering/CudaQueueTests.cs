using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class CudaQueueTests
{
    [Fact]
    public void Waiting_for_one_lane_covers_what_was_queued_before()
    {
        var waits = 0;
        var queue = new CudaQueue(() => waits++);
        var first = queue.Enqueued();
        var second = queue.Enqueued();
        queue.Wait(first);
        queue.Wait(second);
        Assert.Equal(1, waits);
        queue.Wait(queue.Enqueued());
        Assert.Equal(2, waits);
    }

    [Fact]
    public void What_is_queued_during_a_wait_is_waited_for()
    {
        var waits = 0;
        var late = 0L;
        CudaQueue queue = null!;
        queue = new CudaQueue(() =>
        {
            waits++;
            if (late == 0)
            {
                late = queue.Enqueued();
            }
        });
        queue.Wait(queue.Enqueued());
        queue.Wait(late);
        Assert.Equal(2, waits);
    }

    [Fact]
    public void A_failed_wait_counts_for_nothing()
    {
        var fails = true;
        var queue = new CudaQueue(() => Assert.False(fails));
        var ticket = queue.Enqueued();
        Assert.ThrowsAny<Exception>(() => queue.Wait(ticket));
        Assert.ThrowsAny<Exception>(() => queue.Wait(ticket));
        fails = false;
        queue.Wait(ticket);
    }
}
