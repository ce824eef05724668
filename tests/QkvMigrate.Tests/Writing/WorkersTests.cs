using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

public sealed class WorkersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Each_thread_has_its_number_and_all_have_ended_at_the_end(int count)
    {
        var threads = new int[count];
        using var together = new Barrier(count);
        Workers.Run(count, number =>
        {
            together.SignalAndWait();
            threads[number] = Environment.CurrentManagedThreadId;
        });
        Assert.Equal(Environment.CurrentManagedThreadId, threads[0]);
        Assert.Equal(count, threads.Distinct().Count());
        Assert.DoesNotContain(0, threads);
    }
}
