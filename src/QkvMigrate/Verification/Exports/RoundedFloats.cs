using System.Buffers.Binary;
using System.Numerics;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// Floating point numbers in another element type, by the verifier's own arithmetic: on the bits, as whole numbers. A number
/// goes by way of a float, as in PyTorch, and is rounded to the nearest, to the even one of two (IEEE 754-2019, 4.3.1).
/// </summary>
internal sealed class RoundedFloats
{
    private readonly (int Exponent, int Mantissa) stored;
    private readonly (int Exponent, int Mantissa) made;

    /// <param name="from">The stored type, by PyTorch's name.</param>
    /// <param name="to">The type that the numbers got.</param>
    /// <exception cref="MigrationException">One of them is none of floating point numbers.</exception>
    public RoundedFloats(string from, string to)
    {
        stored = Format(from);
        made = Format(to);
    }

    /// <summary>Whether <paramref name="found"/> is the number of <paramref name="bytes"/>. Any NaN is one.</summary>
    public bool AreSame(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> found)
    {
        var single = (uint)Round(Bits(bytes), stored.Exponent, stored.Mantissa, 8, 23);
        var bits = Bits(found);
        return (single & 0x7FFF_FFFF) > 0x7F80_0000
            ? (bits & ((1UL << (made.Exponent + made.Mantissa)) - 1)) > ((1UL << made.Exponent) - 1) << made.Mantissa
            : bits == Round(single, 8, 23, made.Exponent, made.Mantissa);
    }

    /// <summary>Bits of exponent and of mantissa.</summary>
    private static (int Exponent, int Mantissa) Format(string dtype) => dtype switch
    {
        "float64" => (11, 52),
        "float32" => (8, 23),
        "float16" => (5, 10),
        "bfloat16" => (8, 7),
        _ => throw new MigrationException(FailureKind.Unsupported, $"elements of {dtype} are not converted"),
    };

    private static ulong Bits(ReadOnlySpan<byte> littleEndian) => littleEndian.Length switch
    {
        sizeof(ushort) => BinaryPrimitives.ReadUInt16LittleEndian(littleEndian),
        sizeof(uint) => BinaryPrimitives.ReadUInt32LittleEndian(littleEndian),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(littleEndian),
    };

    /// <summary>The bits of a number in a format with other widths of exponent and mantissa.</summary>
    private static ulong Round(ulong bits, int fromExponent, int fromMantissa, int toExponent, int toMantissa)
    {
        if (fromExponent == toExponent && fromMantissa == toMantissa)
        {
            return bits;
        }

        var sign = bits >> (fromExponent + fromMantissa) << (toExponent + toMantissa);
        var field = (int)((bits >> fromMantissa) & ((1UL << fromExponent) - 1));
        var fraction = bits & ((1UL << fromMantissa) - 1);
        var infinity = ((1UL << toExponent) - 1) << toMantissa;
        if (field == (1 << fromExponent) - 1)
        {
            return fraction == 0 ? sign | infinity : sign | infinity | 1;
        }

        if (field == 0 && fraction == 0)
        {
            return sign;
        }

        // The number is whole·2^power, with as many bits in front of the point as the whole has.
        var whole = field == 0 ? fraction : fraction | (1UL << fromMantissa);
        var power = Math.Max(field, 1) - Bias(fromExponent) - fromMantissa;
        var highest = 63 - BitOperations.LeadingZeroCount(whole) + power;

        // The power of the last bit that the format has at this size; smaller numbers have no more bits than the smallest normal one.
        var last = Math.Max(highest, 1 - Bias(toExponent)) - toMantissa;
        var rounded = Shifted(whole, last - power);
        if (rounded == 0)
        {
            return sign;
        }

        // A whole that grew by a bit is the next power of two, whose bits follow by addition.
        var isNormal = highest >= 1 - Bias(toExponent);
        var result = isNormal ? (((ulong)(highest + Bias(toExponent)) - 1) << toMantissa) + rounded : rounded;
        return sign | Math.Min(result, infinity);
    }

    private static int Bias(int exponent) => (1 << (exponent - 1)) - 1;

    /// <summary>A whole number divided by 2^<paramref name="places"/>, rounded to the nearest, ties to even.</summary>
    private static ulong Shifted(ulong whole, int places)
    {
        if (places <= 0)
        {
            return whole << -places;
        }

        if (places > 63)
        {
            return 0;
        }

        var (kept, rest, half) = (whole >> places, whole & ((1UL << places) - 1), 1UL << (places - 1));
        return rest > half || (rest == half && (kept & 1) == 1) ? kept + 1 : kept;
    }
}
