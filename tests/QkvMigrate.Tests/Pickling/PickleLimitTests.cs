using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>What a pickle may cost. Where the refusal stands behind the last value that is allowed, that value was read.</summary>
public sealed class PickleLimitTests
{
    [Fact]
    public void Bytes_of_a_pickle()
    {
        byte[] pickle = new byte[PickleLimits.Bytes + 1];
        PickleCode.Bytes("K\u0001.").CopyTo(pickle, 0);
        Assert.Equal(3, PickleMachine.Run(pickle.AsMemory(0, PickleLimits.Bytes)).Script.Bytes.Length);
        AssertRefused(pickle, 0, "536870913 bytes are more than the 536870912 that a pickle may have");
    }

    [Fact]
    public void Values_on_the_stack() =>
        AssertRefused([.. Repeat("N", (1 << 20) + 1), (byte)'.'], 1 << 20, "more than 1048576 values on the stack");

    [Fact]
    public void Open_marks() =>
        AssertRefused([.. Repeat("(", 10_001), (byte)'N', (byte)'.'], 10_000, "more than 10000 open marks");

    [Fact]
    [Trait("Category", "Slow")]
    public void Memory_of_the_values()
    {
        // An empty string costs 88 bytes; 45 MiB, seven bytes for each of the pickle's and 900 for each storage are allowed.
        byte[] pickle = [.. Repeat("U\0", 850_000), (byte)'.'];
        var strings = ((45 << 20) + (7 * pickle.Length)) / 88;
        AssertRefused(pickle, 2 * strings, "1700001 bytes of pickle make more than 56 MiB of values, as no checkpoint's do");
        var script = PickleMachine.Run((byte[])[.. pickle[..(2 * strings)], (byte)'.', .. new byte[pickle.Length - (2 * strings) - 1]]).Script;
        Assert.Equal((2 * strings) + 1, script.Bytes.Length);
        Assert.Equal(script.Bytes.Length, script.Read().Script.Bytes.Length);
        Assert.Equal(pickle.Length, PickleMachine.Run(pickle, storages: ((88 * 850_000) - (7 * pickle.Length) - (45 << 20) + 899) / 900).Script.Bytes.Length);
    }

    [Fact]
    public void Values_that_stand_in_values_over_and_over()
    {
        // Each tuple holds the one before twice: 30 of them are two milliards of values to whoever follows every way.
        byte[] pickle = [(byte)'N', .. Repeat("2\u0086", 29), (byte)'.'];
        Assert.Equal(pickle.Length, PickleMachine.Run(pickle).Script.Bytes.Length);
        AssertRefused([(byte)'N', .. Repeat("2\u0086", 30), (byte)'.'], 60, "values that share values stand for more than 1073741824 of them");
    }

    [Fact]
    public void Values_that_stand_in_values_too_deeply()
    {
        Assert.Equal(2002, PickleMachine.Run((byte[])[(byte)'N', .. Repeat("\u0085", 2000), (byte)'.']).Script.Bytes.Length);
        AssertRefused([(byte)'N', .. Repeat("\u0085", 2001), (byte)'.'], 2001, "containers are nested more than 2000 deep");
        Assert.Equal(4002, PickleMachine.Run((byte[])[.. Repeat("]", 2001), .. Repeat("a", 2000), (byte)'.']).Script.Bytes.Length);
        AssertRefused([.. Repeat("]", 2002), .. Repeat("a", 2001), (byte)'.'], 0, "containers are nested more than 2000 deep");
    }

    [Fact]
    public void Bytes_of_a_line()
    {
        var text = PickleMachine.Run((byte[])[(byte)'V', .. Repeat("a", (1 << 20) - 1), (byte)'\n', (byte)'.']).Root.Node;
        Assert.Equal((1 << 20) - 1, Assert.IsType<PickleString>(text).Text.Length);
        var refused = Assert.Throws<MigrationException>(() => PickleMachine.Run((byte[])[(byte)'V', .. Repeat("a", 1 << 20), (byte)'\n', (byte)'.']));
        Assert.Equal("pickle at byte 0: the line of Unicode has no end within 1048576 bytes", refused.Message);
    }

    [Fact]
    public void Bytes_of_an_integer()
    {
        byte[] most = [0x8b, 0x00, 0x10, 0, 0, .. Repeat("\u0001", 4096), (byte)'.'];
        Assert.IsType<PickleBigInteger>(PickleMachine.Run(most).Root.Node);
        AssertRefused([0x8b, 0x01, 0x10, 0, 0, .. Repeat("\u0001", 4097), (byte)'.'], 0, "an int of more than 4096 bytes");
        Assert.IsType<PickleBigInteger>(PickleMachine.Run((byte[])[(byte)'I', .. Repeat("9", 8192), (byte)'\n', (byte)'.']).Root.Node);
        AssertRefused([(byte)'I', .. Repeat("9", 8194), (byte)'\n', (byte)'.'], 0, "an int of more than 4096 bytes");
    }

    private static byte[] Repeat(string code, int count)
    {
        var bytes = new byte[code.Length * count];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)code[i % code.Length];
        }

        return bytes;
    }

    private static void AssertRefused(byte[] pickle, int offset, string problem)
    {
        var refused = Assert.Throws<MigrationException>(() => PickleMachine.Run(pickle));
        Assert.Equal($"pickle at byte {offset}: {problem}", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }
}
