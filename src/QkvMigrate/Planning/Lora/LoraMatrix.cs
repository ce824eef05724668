using System.Buffers.Binary;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Lora;

/// <summary>A LoRA matrix, whole in memory: such matrices are small.</summary>
/// <param name="DType">The element type.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Bytes">The elements, one row behind the other.</param>
public sealed record LoraMatrix(DType DType, long Rows, long Columns, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Whether <paramref name="matrix"/> can be read: it fits one array, and no two elements share bytes.</summary>
    internal static bool IsReadable(TensorEntry matrix) =>
        matrix.Extent <= Array.MaxLength && matrix.ElementCount <= matrix.Storage.Length / matrix.DType.ItemSize;

    /// <summary>
    /// Refuses a fused <c>lora_A</c> with an infinite number or NaN, where q, k and v all get all of it: rows of other sections are then
    /// multiplied with it by a factor of zero, and 0·∞ and 0·NaN are NaN where the old LoRA had a number.
    /// </summary>
    /// <param name="matrix">lora_A.</param>
    /// <param name="task">What it is wanted for, as the failure names it.</param>
    /// <exception cref="MigrationException">There is one, or the file cannot be read.</exception>
    internal static void RequireFinite(TensorEntry matrix, string task)
    {
        if (IsReadable(matrix) && ExponentOf(matrix.DType) is { } exponent && Read(matrix).IndexOf(exponent) is { } at)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{task}: the number in row {at / matrix.Shape[1]}, column {at % matrix.Shape[1]} is infinite or NaN, and times zero, "
                + "by which all other sections' rows would be multiplied with it, is NaN; upgrade --lora merge adds the LoRA as it is",
                where: $"tensor '{matrix.Label}'");
        }
    }

    /// <summary>The bits that are all set in infinity and NaN, in the upper bytes of a number.</summary>
    private static ushort? ExponentOf(DType type) => type.Name switch
    {
        "float64" => 0x7FF0,
        "float32" or "bfloat16" => 0x7F80,
        "float16" => 0x7C00,
        _ => null,
    };

    /// <summary>The first number whose upper bytes have all of these bits.</summary>
    private long? IndexOf(ushort bits)
    {
        var item = DType.ItemSize;
        var bytes = Bytes.Span;
        for (var at = item - sizeof(ushort); at < bytes.Length; at += item)
        {
            if ((BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) & bits) == bits)
            {
                return at / item;
            }
        }

        return null;
    }

    /// <summary>Reads a two-dimensional tensor that <see cref="IsReadable"/>, whatever its strides are.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    internal static LoraMatrix Read(TensorEntry matrix)
    {
        var item = matrix.DType.ItemSize;
        var stored = matrix.Storage.Source.Read(matrix.FileOffset, (int)matrix.Extent);
        var (rows, columns) = (matrix.Shape[0], matrix.Shape[1]);
        if (matrix.Strides[1] == 1 && (matrix.Strides[0] == columns || rows == 1))
        {
            return new LoraMatrix(matrix.DType, rows, columns, stored);
        }

        var dense = new byte[checked((int)(rows * columns * item))];
        for (long row = 0, target = 0; row < rows; row++)
        {
            for (var column = 0L; column < columns; column++, target += item)
            {
                var at = ((row * matrix.Strides[0]) + (column * matrix.Strides[1])) * item;
                stored.AsSpan((int)at, item).CopyTo(dense.AsSpan((int)target));
            }
        }

        return new LoraMatrix(matrix.DType, rows, columns, dense);
    }
}
