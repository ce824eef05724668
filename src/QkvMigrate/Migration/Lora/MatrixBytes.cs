using QkvMigrate.Checkpoints;

namespace QkvMigrate.Migration.Lora;

/// <summary>Reads small matrices whole, row by row, whatever their strides are.</summary>
internal static class MatrixBytes
{
    /// <summary>The elements of <paramref name="matrix"/>, two-dimensional, one row behind the other.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static byte[] Read(SourceFile source, TensorEntry matrix)
    {
        var item = matrix.DType.ItemSize;
        var stored = source.Read(matrix.FileOffset, (int)matrix.Extent);
        var (rows, columns) = (matrix.Shape[0], matrix.Shape[1]);
        if (matrix.Strides[1] == 1 && (matrix.Strides[0] == columns || rows == 1))
        {
            return stored;
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

        return dense;
    }
}
