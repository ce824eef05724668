using CsCheck;
using QkvMigrate.Tests.Support;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Whether two views have a byte in common, by the verifier's own way, against the naive one: both sets of bytes.</summary>
public sealed class ViewOverlapTests
{
    [Fact]
    public void It_is_as_the_sets_of_bytes_say() => Gen.Select(RandomViews.View, RandomViews.View).Sample((one, other) =>
    {
        var expected = RandomViews.Bytes(one).Overlaps(RandomViews.Bytes(other));
        Assert.Equal(expected, new ViewOverlap().IsBetween(one, other));
        Assert.Equal(expected, new ViewOverlap().IsBetween(other, one));
    });

    [Theory]
    [InlineData(0, 5, 5, 5, false)]
    [InlineData(0, 6, 5, 5, true)]
    [InlineData(9, 1, 0, 9, false)]
    [InlineData(8, 1, 0, 9, true)]
    public void Columns_of_a_million_rows_are_told_apart(long first, long count, long second, long otherCount, bool isShared) =>
        Assert.Equal(isShared, new ViewOverlap().IsBetween(RandomViews.Columns(first, count, 10), RandomViews.Columns(second, otherCount, 10)));

    [Fact]
    public void Views_that_take_too_long_to_tell_apart_are_not_verified()
    {
        var overlap = new ViewOverlap();
        var view = RandomViews.Columns(0, 1, 10);
        var error = Assert.Throws<MigrationException>(Exhaust);
        Assert.Equal(
            (FailureKind.Unsupported, "tensor 'columns from 0 on'", "with what it shares bytes takes more than 67108864 steps to tell, so it is not verified"),
            (error.Kind, error.Where, error.Problem));

        void Exhaust()
        {
            for (var i = 0; i <= 1 << 26; i++)
            {
                overlap.Count(view);
            }
        }
    }
}
