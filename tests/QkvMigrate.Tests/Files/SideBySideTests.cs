using QkvMigrate.Files;
using Xunit;

namespace QkvMigrate.Tests.Files;

public sealed class SideBySideTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(300)]
    public void Results_have_the_order_of_the_items(int count)
    {
        int[] items = [.. Enumerable.Range(0, count)];

        Assert.Equal(items.Select(item => item * 2), SideBySide.Select(items, item => item * 2));
    }

    /// <summary>Whichever comes first in time.</summary>
    [Fact]
    public void Of_several_failures_that_of_the_first_item_is_thrown()
    {
        int[] items = [.. Enumerable.Range(0, 300)];

        var failure = Assert.Throws<IOException>(() => SideBySide.Select(items, item => item % 100 == 37 ? throw new IOException($"{item}") : item));

        Assert.Equal("37", failure.Message);
    }
}
