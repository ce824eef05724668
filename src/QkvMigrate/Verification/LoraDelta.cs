using System.Numerics;
using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>
/// Rows of <c>lora_B·lora_A</c> in float64. Products of two numbers of 32 bits are exact in it, and sums are made in the
/// order of the columns; so two LoRA that differ by zeros alone give the same bits.
/// </summary>
internal sealed class LoraDelta
{
    /// <summary>Numbers of the largest matrix that is read: a LoRA's are much smaller.</summary>
    private const long MaximumCount = 1 << 25;

    private readonly double[] a;
    private readonly double[] b;
    private readonly int rank;

    /// <summary>Reads both matrices.</summary>
    /// <exception cref="MigrationException">They cannot be read, are too large, or hold no floating point numbers.</exception>
    public LoraDelta(SourceFile source, TensorEntry matrixA, TensorEntry matrixB)
    {
        rank = (int)matrixB.Shape[1];
        Width = (int)matrixA.Shape[1];
        a = Read(source, matrixA);
        b = Read(source, matrixB);
    }

    /// <summary>Columns of the delta: the layer's <c>in_features</c>.</summary>
    public int Width { get; }

    /// <summary>Writes one row of the delta to <paramref name="row"/>.</summary>
    /// <param name="rowOfB">The row of B.</param>
    /// <param name="block">The block of A that it is multiplied with.</param>
    /// <param name="row">Takes <see cref="Width"/> numbers.</param>
    public void Row(long rowOfB, int block, Span<double> row)
    {
        row.Clear();
        for (var k = 0; k < rank; k++)
        {
            var factor = b[(rowOfB * rank) + k];
            if (factor != 0)
            {
                AddScaled(a.AsSpan((((block * rank) + k) * Width), Width), factor, row);
            }
        }
    }

    private static void AddScaled(ReadOnlySpan<double> values, double factor, Span<double> sum)
    {
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(values);
        var sums = MemoryMarshal.Cast<double, Vector<double>>(sum);
        for (var i = 0; i < vectors.Length; i++)
        {
            sums[i] += vectors[i] * factor;
        }

        for (var i = vectors.Length * Vector<double>.Count; i < values.Length; i++)
        {
            sum[i] += values[i] * factor;
        }
    }

    private static double[] Read(SourceFile source, TensorEntry matrix)
    {
        var item = matrix.DType.ItemSize;
        if (matrix.ElementCount > MaximumCount
            || matrix.Extent > MaximumCount * item
            || matrix.DType.Name is not ("float16" or "bfloat16" or "float32" or "float64"))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{matrix.ElementCount} elements of {matrix.DType} are no LoRA that can be multiplied out",
                source.Path,
                $"tensor '{matrix.Label}'");
        }

        var stored = source.Read(matrix.FileOffset, (int)matrix.Extent);
        var numbers = new double[matrix.ElementCount];
        var at = 0;
        for (var row = 0L; row < matrix.Shape[0]; row++)
        {
            for (var column = 0L; column < matrix.Shape[1]; column++)
            {
                var start = (int)(((row * matrix.Strides[0]) + (column * matrix.Strides[1])) * item);
                numbers[at++] = Number(stored.AsSpan(start, item), matrix.DType.Name);
            }
        }

        return numbers;
    }

    private static double Number(ReadOnlySpan<byte> bytes, string dtype) => dtype switch
    {
        "float16" => (double)MemoryMarshal.Read<Half>(bytes),
        "bfloat16" => BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Read<ushort>(bytes) << 16),
        "float32" => MemoryMarshal.Read<float>(bytes),
        _ => MemoryMarshal.Read<double>(bytes),
    };
}
