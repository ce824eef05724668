using System.Numerics;
using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Exporting;

/// <summary>
/// Turns elements of one floating point type into another, little-endian, rounded to the nearest, ties to even, by way of
/// float, as PyTorch's <c>Tensor.to</c> does it on the CPU (c10/util/Half.h, BFloat16.h): what is too large becomes infinity,
/// and NaN stays one. Its bits are those of PyTorch's scalar conversions; PyTorch's own vectors make others of them.
/// </summary>
internal sealed class FloatConversion(DType from, DType to)
{
    /// <summary>Elements that are converted at once: small enough for the stack.</summary>
    private const int Chunk = 2048;

    private const ushort BrainNaN = 0x7FC0;
    private const ushort HalfNaN = 0x7E00;
    private const ushort HalfSign = 0x8000;

    /// <summary>Converts whole elements.</summary>
    public void Convert(ReadOnlySpan<byte> source, Span<byte> target)
    {
        Span<float> floats = stackalloc float[Chunk];
        while (source.Length > 0)
        {
            var count = Math.Min(Chunk, source.Length / from.ItemSize);
            Read(source[..(count * from.ItemSize)], floats[..count]);
            Write(floats[..count], target[..(count * to.ItemSize)]);
            source = source[(count * from.ItemSize)..];
            target = target[(count * to.ItemSize)..];
        }
    }

    private void Read(ReadOnlySpan<byte> source, Span<float> floats)
    {
        switch (from.Name)
        {
            case "float64":
                var doubles = MemoryMarshal.Cast<byte, double>(source);
                for (var i = 0; i < floats.Length; i++)
                {
                    floats[i] = (float)doubles[i];
                }

                break;
            case "float32":
                MemoryMarshal.Cast<byte, float>(source).CopyTo(floats);
                break;
            case "float16":
                var halves = MemoryMarshal.Cast<byte, Half>(source);
                for (var i = 0; i < floats.Length; i++)
                {
                    floats[i] = (float)halves[i];
                }

                break;
            case "bfloat16":
                var brains = MemoryMarshal.Cast<byte, ushort>(source);
                for (var i = 0; i < floats.Length; i++)
                {
                    floats[i] = BitConverter.UInt32BitsToSingle((uint)brains[i] << 16);
                }

                break;
            default:
                throw new InvalidOperationException($"elements of {from} are not converted");
        }
    }

    private void Write(ReadOnlySpan<float> floats, Span<byte> target)
    {
        switch (to.Name)
        {
            case "float32":
                floats.CopyTo(MemoryMarshal.Cast<byte, float>(target));
                break;
            case "float16":
                WriteHalves(floats, MemoryMarshal.Cast<byte, ushort>(target));
                break;
            case "bfloat16":
                WriteBrains(floats, MemoryMarshal.Cast<byte, ushort>(target));
                break;
            default:
                throw new InvalidOperationException($"elements are not converted to {to}");
        }
    }

    private static void WriteHalves(ReadOnlySpan<float> floats, Span<ushort> halves)
    {
        for (var i = 0; i < floats.Length; i++)
        {
            var half = BitConverter.HalfToUInt16Bits((Half)floats[i]);
            halves[i] = float.IsNaN(floats[i]) ? (ushort)((half & HalfSign) | HalfNaN) : half;
        }
    }

    /// <summary>Half of what is cut off is added, less one where the last bit that stays is even.</summary>
    private static void WriteBrains(ReadOnlySpan<float> floats, Span<ushort> brains)
    {
        var at = 0;
        var (half, one) = (new Vector<uint>(0x7FFF), Vector<uint>.One);
        for (; at <= floats.Length - (2 * Vector<uint>.Count); at += 2 * Vector<uint>.Count)
        {
            var (low, high) = (new Vector<float>(floats[at..]), new Vector<float>(floats[(at + Vector<uint>.Count)..]));
            if (!Vector.EqualsAll(low, low) || !Vector.EqualsAll(high, high))
            {
                WriteBrainsSingly(floats.Slice(at, 2 * Vector<uint>.Count), brains[at..]);
                continue;
            }

            Vector.Narrow(Rounded(low.As<float, uint>()), Rounded(high.As<float, uint>())).CopyTo(brains[at..]);
        }

        WriteBrainsSingly(floats[at..], brains[at..]);

        Vector<uint> Rounded(Vector<uint> bits) => (bits + half + ((bits >>> 16) & one)) >>> 16;
    }

    private static void WriteBrainsSingly(ReadOnlySpan<float> floats, Span<ushort> brains)
    {
        for (var i = 0; i < floats.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(floats[i]);
            brains[i] = float.IsNaN(floats[i]) ? BrainNaN : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
