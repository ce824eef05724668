using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>Reads the number arguments of opcodes, and writes ints (CPython, Lib/pickletools.py, <c>read_decimalnl_short</c> and the like).</summary>
internal static class PickleNumbers
{
    /// <summary>The value of an opcode that makes an int, a float, or (protocol 0's <c>I00</c> and <c>I01</c>) a bool.</summary>
    public static PickleNode Read(in PickleInstruction at, ReadOnlySpan<byte> argument)
    {
        switch (at.Opcode)
        {
            case PickleOpcode.BinInt1 or PickleOpcode.BinInt2:
                return new PickleInteger(at.Offset, Unsigned(argument));
            case PickleOpcode.BinInt:
                return new PickleInteger(at.Offset, BinaryPrimitives.ReadInt32LittleEndian(argument));
            case PickleOpcode.BinFloat:
                return new PickleFloat(at.Offset, BinaryPrimitives.ReadDoubleBigEndian(argument));
            case PickleOpcode.Float:
                return new PickleFloat(at.Offset, Float(at, argument));
            case PickleOpcode.Int when argument is [(byte)'0', (byte)'0'] or [(byte)'0', (byte)'1']:
                return new PickleBoolean(at.Offset, argument[1] == (byte)'1');
            case PickleOpcode.Int or PickleOpcode.Long:
                var digits = argument is [.., (byte)'L'] ? argument[..^1] : argument;
                return Integer(at, Decimal(at, digits));
            default:
                LimitBytes(at, argument.Length);
                return Integer(at, new BigInteger(argument));
        }
    }

    /// <summary>A little-endian argument of 1, 2 or 4 bytes without a sign.</summary>
    public static long Unsigned(ReadOnlySpan<byte> argument) => argument.Length switch
    {
        1 => argument[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(argument),
        _ => BinaryPrimitives.ReadUInt32LittleEndian(argument),
    };

    /// <summary>A memo slot, written as a line of digits.</summary>
    public static long Line(in PickleInstruction at, ReadOnlySpan<byte> argument) =>
        long.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out var slot)
            ? slot
            : throw PickleFailure.At(at.Offset, $"{at.Opcode} names no memo slot");

    /// <summary>The instruction that pushes an int from 0 on, in the form that CPython's pickler chooses (Lib/pickle.py, <c>save_long</c>).</summary>
    public static byte[] Encode(int protocol, long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        switch (protocol, value)
        {
            case (0, <= int.MaxValue):
                return [(byte)PickleOpcode.Int, .. Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)), (byte)'\n'];
            case (_, <= byte.MaxValue):
                return [(byte)PickleOpcode.BinInt1, (byte)value];
            case (_, <= ushort.MaxValue):
                return [(byte)PickleOpcode.BinInt2, (byte)value, (byte)(value >> 8)];
            case (_, <= int.MaxValue):
                return [(byte)PickleOpcode.BinInt, .. BitConverter.GetBytes((int)value)];
            case ( >= 2, _):
                var bytes = new BigInteger(value).ToByteArray();
                return [(byte)PickleOpcode.Long1, (byte)bytes.Length, .. bytes];
            default:
                return [(byte)PickleOpcode.Long, .. Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)), (byte)'L', (byte)'\n'];
        }
    }

    private static PickleNode Integer(in PickleInstruction at, BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue
            ? new PickleInteger(at.Offset, (long)value)
            : new PickleBigInteger(at.Offset, value);

    private static BigInteger Decimal(in PickleInstruction at, ReadOnlySpan<byte> digits)
    {
        LimitBytes(at, digits.Length / 2);
        return BigInteger.TryParse(Encoding.ASCII.GetString(digits).Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw PickleFailure.At(at.Offset, $"{at.Opcode} without a decimal number");
    }

    private static double Float(in PickleInstruction at, ReadOnlySpan<byte> text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
        : Encoding.ASCII.GetString(text).ToLowerInvariant() switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            "nan" or "-nan" => double.NaN,
            _ => throw PickleFailure.At(at.Offset, "FLOAT without a number"),
        };

    private static void LimitBytes(in PickleInstruction at, int length)
    {
        if (length > PickleLimits.IntegerBytes)
        {
            throw PickleFailure.Limit(at.Offset, $"an int of more than {PickleLimits.IntegerBytes} bytes");
        }
    }
}
