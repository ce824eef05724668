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
