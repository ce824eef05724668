using System.Runtime.InteropServices;
using CsCheck;
using QkvMigrate.Verification.Exports;
using Xunit;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>The verifier's arithmetic on bits, held against the machine's.</summary>
public sealed class RoundedFloatsTests
{
    [Fact]
    public void Each_half_and_the_middle_to_the_next_one_and_its_neighbours_are_rounded_as_the_machine_does()
    {
        for (var bits = 0; bits < 0x7C00; bits++)
        {
            var (lower, upper) = ((float)BitConverter.UInt16BitsToHalf((ushort)bits), (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1)));
            var middle = float.IsInfinity(upper) ? 65520f : (lower + upper) / 2;
            foreach (var value in new[] { lower, middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle) })
            {
                Same(value, (Half)value);
                Same(-value, (Half)(-value));
            }
        }
    }

    [Fact]
    public void Any_float_becomes_the_half_and_the_bfloat16_that_are_nearest() => Gen.UInt.Sample(
        bits =>
        {
            var value = BitConverter.UInt32BitsToSingle(bits);
            Same(value, (Half)value);
            if (!float.IsNaN(value))
            {
                var down = bits & 0xFFFF_0000;
                var rest = bits & 0xFFFF;
                var nearest = rest > 0x8000 || (rest == 0x8000 && (down & 0x1_0000) != 0) ? down + 0x1_0000 : down;
                Assert.True(RoundedFloats.AreSame(BitConverter.GetBytes(bits), "float32", BitConverter.GetBytes((ushort)(nearest >> 16)), "bfloat16"));
                Assert.False(RoundedFloats.AreSame(BitConverter.GetBytes(bits), "float32", BitConverter.GetBytes((ushort)((nearest >> 16) ^ 1)), "bfloat16"));
            }
        },
        iter: 100_000);

    [Fact]
    public void Any_double_becomes_the_float_that_is_nearest() => Gen.ULong.Sample(
        bits =>
        {
            var value = BitConverter.UInt64BitsToDouble(bits);
            Assert.True(RoundedFloats.AreSame(BitConverter.GetBytes(bits), "float64", BitConverter.GetBytes((float)value), "float32"));
        },
        iter: 100_000);

    [Fact]
    public void Each_half_and_each_bfloat16_is_a_float_as_it_is()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var stored = BitConverter.GetBytes((ushort)bits);
            Assert.True(RoundedFloats.AreSame(stored, "float16", BitConverter.GetBytes((float)MemoryMarshal.Read<Half>(stored)), "float32"));
            Assert.True(RoundedFloats.AreSame(stored, "bfloat16", BitConverter.GetBytes(bits << 16), "float32"));
        }
    }

    [Fact]
    public void Any_not_a_number_is_as_good_as_another_and_nothing_else_is()
    {
        var stored = BitConverter.GetBytes(float.NaN);
        Assert.True(RoundedFloats.AreSame(stored, "float32", BitConverter.GetBytes((ushort)0x7FC0), "bfloat16"));
        Assert.True(RoundedFloats.AreSame(stored, "float32", BitConverter.GetBytes((ushort)0xFE00), "float16"));
        Assert.False(RoundedFloats.AreSame(stored, "float32", BitConverter.GetBytes((ushort)0x7C00), "float16"));
        Assert.False(RoundedFloats.AreSame(BitConverter.GetBytes(1f), "float32", BitConverter.GetBytes((ushort)0x7FC0), "bfloat16"));
    }

    private static void Same(float value, Half half)
    {
        Assert.True(RoundedFloats.AreSame(BitConverter.GetBytes(value), "float32", BitConverter.GetBytes(half), "float16"), $"{value} is {half}");
        if (!Half.IsNaN(half))
        {
            var other = BitConverter.GetBytes((ushort)(BitConverter.HalfToUInt16Bits(half) ^ 1));
            Assert.False(RoundedFloats.AreSame(BitConverter.GetBytes(value), "float32", other, "float16"), $"{value} is not {half}'s neighbour");
        }
    }
}
