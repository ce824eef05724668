using QkvMigrate.Pickling;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>Ints are written as CPython's <c>pickle.dumps(value, protocol)</c> writes them.</summary>
public sealed class PickleNumbersTests
{
    [Theory]
    [InlineData(2, 0L, "4B00")]
    [InlineData(2, 255L, "4BFF")]
    [InlineData(1, 256L, "4D0001")]
    [InlineData(4, 65535L, "4DFFFF")]
    [InlineData(2, 65536L, "4A00000100")]
    [InlineData(2, 2147483647L, "4AFFFFFF7F")]
    [InlineData(2, 2147483648L, "8A050000008000")]
    [InlineData(3, 1L << 40, "8A06000000000001")]
    [InlineData(0, 7L, "49370A")]
    [InlineData(0, 2147483648L, "4C323134373438333634384C0A")]
    [InlineData(1, 2147483648L, "4C323134373438333634384C0A")]
    public void Ints_take_the_form_of_their_protocol(int protocol, long value, string bytes) =>
        Assert.Equal(bytes, Convert.ToHexString(PickleNumbers.Encode(protocol, value)));

    [Fact]
    public void No_size_is_negative() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PickleNumbers.Encode(2, -1));
}
