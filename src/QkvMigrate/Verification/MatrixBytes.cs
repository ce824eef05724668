using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>A matrix of a LoRA as its file has it, bit for bit, row by row whatever its strides are.</summary>
internal sealed class MatrixBytes
{
    /// <summary>Numbers of the largest matrix that is read: a LoRA's are much smaller.</summary>
    private const long MaximumCount = 1 << 25;

    private readonly byte[] bytes;

    /// <summary>Reads the matrix.</summary>
    /// <exception cref="MigrationException">It cannot be read, is too large, or holds no floating point numbers.</exception>
    public MatrixBytes(SourceFile source, TensorEntry matrix)
    {
        ItemSize = matrix.DType.ItemSize;
        if (matrix.ElementCount > MaximumCount || matrix.Extent > MaximumCount * ItemSize || !StoredNumbers.CanRead(matrix.DType.Name))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{matrix.ElementCount} elements of {matrix.DType} are no LoRA that can be multiplied out",
                source.Path,
                $"tensor '{matrix.Label}'");
        }

        (RowCount, RowLength) = (matrix.Shape[0], (int)matrix.Shape[1] * ItemSize);
        bytes = matrix.ElementCount == 0 ? [] : Dense(source.Read(matrix.FileOffset, (int)matrix.Extent), matrix);
    }

    /// <summary>Rows.</summary>
    public long RowCount { get; }

    /// <summary>Bytes of a row.</summary>
    public int RowLength { get; }

    /// <summary>Bytes of a number.</summary>
    public int ItemSize { get; }

    /// <summary>All rows, one behind the other.</summary>
    public ReadOnlySpan<byte> All => bytes;

    /// <summary>One row.</summary>
    public ReadOnlySpan<byte> this[long row] => bytes.AsSpan(checked((int)(row * RowLength)), RowLength);

    private byte[] Dense(byte[] stored, TensorEntry matrix)
    {
        if (matrix.Strides[0] * ItemSize == RowLength && matrix.Strides[1] == 1)
        {
            return stored;
        }

        var dense = new byte[RowCount * RowLength];
        var at = 0;
        for (var row = 0L; row < RowCount; row++)
        {
            for (var column = 0L; column < matrix.Shape[1]; column++, at += ItemSize)
            {
                var place = ((row * matrix.Strides[0]) + (column * matrix.Strides[1])) * ItemSize;
                stored.AsSpan((int)place, ItemSize).CopyTo(dense.AsSpan(at));
            }
        }

        return dense;
    }
}
