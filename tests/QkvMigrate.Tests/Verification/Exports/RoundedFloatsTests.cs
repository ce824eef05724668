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
                Assert.True(new RoundedFloats("float32", "bfloat16").AreSame(BitConverter.GetBytes(bits), BitConverter.GetBytes((ushort)(nearest >> 16))));
                Assert.False(new RoundedFloats("float32", "bfloat16").AreSame(BitConverter.GetBytes(bits), BitConverter.GetBytes((ushort)((nearest >> 16) ^ 1))));
            }
        },
        iter: 100_000);

    [Fact]
    public void Any_double_becomes_the_float_that_is_nearest() => Gen.ULong.Sample(
        bits =>
        {
            var value = BitConverter.UInt64BitsToDouble(bits);
            Assert.True(new RoundedFloats("float64", "float32").AreSame(BitConverter.GetBytes(bits), BitConverter.GetBytes((float)value)));
        },
        iter: 100_000);

    [Fact]
    public void Each_half_and_each_bfloat16_is_a_float_as_it_is()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var stored = BitConverter.GetBytes((ushort)bits);
            Assert.True(new RoundedFloats("float16", "float32").AreSame(stored, BitConverter.GetBytes((float)MemoryMarshal.Read<Half>(stored))));
            Assert.True(new RoundedFloats("bfloat16", "float32").AreSame(stored, BitConverter.GetBytes(bits << 16)));
        }
    }

    [Fact]
    public void Any_not_a_number_is_as_good_as_another_and_nothing_else_is()
    {
        var stored = BitConverter.GetBytes(float.NaN);
        Assert.True(new RoundedFloats("float32", "bfloat16").AreSame(stored, BitConverter.GetBytes((ushort)0x7FC0)));
        Assert.True(new RoundedFloats("float32", "float16").AreSame(stored, BitConverter.GetBytes((ushort)0xFE00)));
        Assert.False(new RoundedFloats("float32", "float16").AreSame(stored, BitConverter.GetBytes((ushort)0x7C00)));
        Assert.False(new RoundedFloats("float32", "bfloat16").AreSame(BitConverter.GetBytes(1f), BitConverter.GetBytes((ushort)0x7FC0)));
    }

    private static void Same(float value, Half half)
    {
        Assert.True(new RoundedFloats("float32", "float16").AreSame(BitConverter.GetBytes(value), BitConverter.GetBytes(half)), $"{value} is {half}");
        if (!Half.IsNaN(half))
        {
            var other = BitConverter.GetBytes((ushort)(BitConverter.HalfToUInt16Bits(half) ^ 1));
            Assert.False(new RoundedFloats("float32", "float16").AreSame(BitConverter.GetBytes(value), other), $"{value} is not {half}'s neighbour");
        }
    }
}
