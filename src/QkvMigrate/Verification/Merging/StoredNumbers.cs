using System.Numerics;
using System.Runtime.InteropServices;

namespace QkvMigrate.Verification.Merging;

/// <summary>Reads stored floating point numbers as float64, which holds each of them exactly.</summary>
internal static class StoredNumbers
{
    /// <summary>The element types that can be read.</summary>
    public static bool CanRead(string dtype) => dtype is "float64" or "float32" or "float16" or "bfloat16";

    /// <summary>Writes the numbers of <paramref name="bytes"/>, little endian and one behind the other, to <paramref name="numbers"/>, which are as many.</summary>
    public static void Read(ReadOnlySpan<byte> bytes, string dtype, Span<double> numbers)
    {
        switch (dtype)
        {
            case "float64":
                MemoryMarshal.Cast<byte, double>(bytes).CopyTo(numbers);
                break;
            case "float32":
                ReadSingles(MemoryMarshal.Cast<byte, float>(bytes), numbers);
                break;
            case "bfloat16":
                var upperHalves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < upperHalves.Length; i++)
                {
                    numbers[i] = BitConverter.UInt32BitsToSingle((uint)upperHalves[i] << 16);
                }

                break;
            case "float16":
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < halves.Length; i++)
                {
                    numbers[i] = (double)halves[i];
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "no floating point numbers");
        }
    }

    private static void ReadSingles(ReadOnlySpan<float> singles, Span<double> numbers)
    {
        var at = 0;
        for (; at <= singles.Length - Vector<float>.Count; at += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(singles[at..]), out var lower, out var upper);
            lower.CopyTo(numbers[at..]);
            upper.CopyTo(numbers[(at + Vector<double>.Count)..]);
        }

        for (; at < singles.Length; at++)
        {
            numbers[at] = singles[at];
        }
    }
}
