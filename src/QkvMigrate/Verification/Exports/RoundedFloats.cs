using System.Buffers.Binary;
using System.Numerics;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// Floating point numbers in another element type, by the verifier's own arithmetic: on the bits, as whole numbers. A number
/// goes by way of a float, as in PyTorch, and is rounded to the nearest, to the even one of two (IEEE 754-2019, 4.3.1).
/// </summary>
internal static class RoundedFloats
{
    /// <summary>Whether <paramref name="found"/> is the number of <paramref name="stored"/>. Any NaN is one.</summary>
    public static bool AreSame(ReadOnlySpan<byte> stored, string from, ReadOnlySpan<byte> found, string to)
    {
        var single = Single(stored, from);
        var bits = to switch
        {
            "float32" => BinaryPrimitives.ReadUInt32LittleEndian(found),
            _ => BinaryPrimitives.ReadUInt16LittleEndian(found),
        };
        var (exponent, mantissa) = Format(to);
        if ((single & 0x7FFF_FFFF) > 0x7F80_0000)
        {
            return (bits & ((1U << (exponent + mantissa)) - 1)) > ((1U << exponent) - 1) << mantissa;
        }

        return bits == Round(single, exponent, mantissa);
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

    /// <summary>The float of a stored number.</summary>
    private static uint Single(ReadOnlySpan<byte> stored, string from)
    {
        switch (from)
        {
            case "float32":
                return BinaryPrimitives.ReadUInt32LittleEndian(stored);
            case "bfloat16":
                return (uint)BinaryPrimitives.ReadUInt16LittleEndian(stored) << 16;
            default:
                var (exponent, mantissa) = Format(from);
                return (uint)Round(from == "float64" ? BinaryPrimitives.ReadUInt64LittleEndian(stored) : BinaryPrimitives.ReadUInt16LittleEndian(stored), exponent, mantissa, 8, 23);
        }
    }

    private static uint Round(uint single, int exponent, int mantissa) => (uint)Round(single, 8, 23, exponent, mantissa);

    /// <summary>The bits of a number in a format with other widths of exponent and mantissa.</summary>
    private static ulong Round(ulong bits, int fromExponent, int fromMantissa, int toExponent, int toMantissa)
    {
        var sign = bits >> (fromExponent + fromMantissa) << (toExponent + toMantissa);
        var stored = (int)((bits >> fromMantissa) & ((1UL << fromExponent) - 1));
        var fraction = bits & ((1UL << fromMantissa) - 1);
        var infinity = ((1UL << toExponent) - 1) << toMantissa;
        if (stored == (1 << fromExponent) - 1)
        {
            return fraction == 0 ? sign | infinity : sign | infinity | 1;
        }

        if (stored == 0 && fraction == 0)
        {
            return sign;
        }

        // The number is whole·2^power, with as many bits in front of the point as the whole has.
        var whole = stored == 0 ? fraction : fraction | (1UL << fromMantissa);
        var power = Math.Max(stored, 1) - Bias(fromExponent) - fromMantissa;
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
