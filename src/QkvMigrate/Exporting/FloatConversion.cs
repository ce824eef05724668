using System.Buffers.Binary;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Exporting;

/// <summary>
/// Turns elements of one floating point type into another, little-endian, rounded to the nearest, ties to even, as PyTorch's
/// <c>Tensor.to</c> does it on the CPU (c10/util/Half.h, BFloat16.h): what is too large becomes infinity, NaN stays NaN.
/// </summary>
internal sealed class FloatConversion(DType from, DType to)
{
    /// <summary>The sign of a bfloat16 NaN is lost in PyTorch, and its payload: all are this one (c10/util/BFloat16.h, <c>round_to_nearest_even</c>).</summary>
    private const ushort BrainNaN = 0x7FC0;

    /// <summary>Converts whole elements.</summary>
    public void Convert(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var count = source.Length / from.ItemSize;
        for (var i = 0; i < count; i++)
        {
            Write(Read(source[(i * from.ItemSize)..]), target[(i * to.ItemSize)..]);
        }
    }

    /// <summary>A float, also of a double: PyTorch goes from double to the short types by way of float.</summary>
    private float Read(ReadOnlySpan<byte> element) => from.Name switch
    {
        "float64" => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
        "float32" => BinaryPrimitives.ReadSingleLittleEndian(element),
        "float16" => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
        "bfloat16" => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
        _ => throw new InvalidOperationException($"elements of {from} are not converted"),
    };

    private void Write(float value, Span<byte> element)
    {
        switch (to.Name)
        {
            case "float32":
                BinaryPrimitives.WriteSingleLittleEndian(element, value);
                break;
            case "float16":
                BinaryPrimitives.WriteHalfLittleEndian(element, (Half)value);
                break;
            case "bfloat16":
                BinaryPrimitives.WriteUInt16LittleEndian(element, Brain(value));
                break;
            default:
                throw new InvalidOperationException($"elements are not converted to {to}");
        }
    }

    private static ushort Brain(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? BrainNaN : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
