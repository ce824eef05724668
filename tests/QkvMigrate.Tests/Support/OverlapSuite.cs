using CsCheck;
using QkvMigrate.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Support;

/// <summary>Whether two views have a byte in common, against the naive way: both sets of bytes. Planner and verifier find it out each in their own way.</summary>
public abstract class OverlapSuite
{
    [Fact]
    public void It_is_as_the_sets_of_bytes_say() => Gen.Select(RandomViews.View, RandomViews.View).Sample((one, other) =>
    {
        var expected = RandomViews.Bytes(one).Overlaps(RandomViews.Bytes(other));
        Assert.Equal(expected, Overlap(one, other));
        Assert.Equal(expected, Overlap(other, one));
    });

    [Theory]
    [InlineData(0, 5, 5, 5, false)]
    [InlineData(0, 6, 5, 5, true)]
    [InlineData(9, 1, 0, 9, false)]
    [InlineData(8, 1, 0, 9, true)]
    public void Columns_of_a_million_rows_are_told_apart(long first, long count, long second, long otherCount, bool isShared) =>
        Assert.Equal(isShared, Overlap(RandomViews.Columns(first, count, 10), RandomViews.Columns(second, otherCount, 10)));

    /// <summary>What is asked, by one that has seen no other views.</summary>
    private protected abstract bool Overlap(TensorEntry one, TensorEntry other);
}
