using CsCheck;
using QkvMigrate.Planning;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>Whether two views have a byte in common, against the naive way: both sets of bytes.</summary>
public sealed class SharedBytesTests
{
    [Fact]
    public void It_is_as_the_sets_of_bytes_say() => Gen.Select(RandomViews.View, RandomViews.View).Sample((one, other) =>
    {
        var expected = RandomViews.Bytes(one).Overlaps(RandomViews.Bytes(other));
        Assert.Equal(expected, new SharedBytes().Any(one, other));
        Assert.Equal(expected, new SharedBytes().Any(other, one));
    });

    [Theory]
    [InlineData(0, 5, 5, 5, false)]
    [InlineData(0, 6, 5, 5, true)]
    [InlineData(9, 1, 0, 9, false)]
    [InlineData(8, 1, 0, 9, true)]
    public void Columns_of_a_million_rows_are_told_apart(long first, long count, long second, long otherCount, bool isShared) =>
        Assert.Equal(isShared, new SharedBytes().Any(RandomViews.Columns(first, count, 10), RandomViews.Columns(second, otherCount, 10)));

    [Fact]
    public void Views_that_take_too_long_to_tell_apart_are_refused()
    {
        var bytes = new SharedBytes();
        var (one, other) = (RandomViews.Columns(0, 1, 10), RandomViews.Columns(1, 1, 10));
        var error = Assert.Throws<MigrationException>(Exhaust);
        Assert.Equal(
            (FailureKind.Unsupported, "tensor 'columns from 0 on'",
                "whether it shares bytes with tensor 'columns from 1 on' takes more than 67108864 steps to tell (strides (10, 1) and (10, 1)); save it as a tensor of its own (clone)"),
            (error.Kind, error.Where, error.Problem));

        void Exhaust()
        {
            for (var i = 0; i <= 1 << 26; i++)
            {
                bytes.Spend(one, other);
            }
        }
    }
}
