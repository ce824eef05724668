using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Layouts;

namespace QkvMigrate.Evidence;

/// <summary>Computes the logarithm of each row's Euclidean norm, in plain vectors, reading a few rows at a time.</summary>
internal static class RowNorms
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Bytes of the longest row that is read: no model has rows of a million numbers.</summary>
    private const int MaximumRowBytes = 16 << 20;

    /// <summary>Two to the power of 112: the bias of a float32's exponent (127) less that of a float16's (15).</summary>
    private static readonly float HalfScale = MathF.ScaleB(1, 112);

    /// <summary>Whether the rows of <paramref name="tensor"/> can be read: a matrix of floats whose rows are one piece each.</summary>
    public static bool CanRead(TensorEntry tensor) =>
        tensor is { Shape.Count: 2, ElementCount: > 0 }
        && tensor.Strides[1] == 1
        && tensor.Strides[0] >= tensor.Shape[1]
        && tensor.DType.Name is "float16" or "bfloat16" or "float32" or "float64"
        && tensor.Shape[1] <= MaximumRowBytes / tensor.DType.ItemSize
        && tensor.Shape[0] <= int.MaxValue / sizeof(double);

    /// <summary>Whether <paramref name="fused"/> is a fused matrix itself, of a model or under an adapter, and its rows can be read.</summary>
    public static bool IsFusedMatrix(FusedTensor fused) =>
        fused is { Suffix: "weight" or "linear.weight", Dimension: 0 } && CanRead(fused.Tensor);

    /// <summary>The logarithms of the norms: −∞ for a row of zeros, NaN or ∞ for one that is not finite, NaN for one that is not read.</summary>
    /// <param name="source">The file.</param>
    /// <param name="tensor">A tensor that <see cref="CanRead"/>.</param>
    /// <param name="sample">How much of it is read.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static double[] Read(SourceFile source, TensorEntry tensor, EvidenceSample sample, CancellationToken cancellation)
    {
        var rowBytes = (int)Math.Min(tensor.Shape[1], sample.Columns) * tensor.DType.ItemSize;
        var stride = tensor.Strides[0] * tensor.DType.ItemSize;
        var norms = new double[tensor.Shape[0]];
        Array.Fill(norms, double.NaN);
        var step = sample.Step(norms.Length);
        var perChunk = stride == rowBytes && step == 1 ? Math.Max(1, ChunkBytes / rowBytes) : 1;
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(perChunk, norms.Length) * rowBytes);
        try
        {
            for (var row = 0L; row < norms.Length; row += perChunk * step)
            {
                cancellation.ThrowIfCancellationRequested();
                var count = (int)Math.Min(perChunk, norms.Length - row);
                source.Read(tensor.FileOffset + (row * stride), buffer.AsSpan(0, count * rowBytes));
                for (var i = 0; i < count; i++)
                {
                    norms[row + i] = Math.Log(SumOfSquares(buffer.AsSpan(i * rowBytes, rowBytes), tensor.DType)) / 2;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return norms;
    }

    private static double SumOfSquares(ReadOnlySpan<byte> row, DType dtype) => dtype.Name switch
    {
        "float16" => SumOfHalves(MemoryMarshal.Cast<byte, ushort>(row)),
        "bfloat16" => SumOfBrainFloats(MemoryMarshal.Cast<byte, ushort>(row)),
        "float32" => SumOfSingles(MemoryMarshal.Cast<byte, float>(row)),
        _ => SumOfDoubles(MemoryMarshal.Cast<byte, double>(row)),
    };

    // Vectors of the machine's own width are compiled when the program runs: at once in their best form, because a large
    // file's rows would otherwise be read by the slow first one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfDoubles(ReadOnlySpan<double> row)
    {
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(row);
        var sum = Vector<double>.Zero;
        foreach (var vector in vectors)
        {
            sum += vector * vector;
        }

        var total = Vector.Sum(sum);
        foreach (var value in row[(vectors.Length * Vector<double>.Count)..])
        {
            total += value * value;
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSingles(ReadOnlySpan<float> row)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(row);
        var sum = Vector<double>.Zero;
        foreach (var vector in vectors)
        {
            Vector.Widen(vector, out var low, out var high);
            sum += (low * low) + (high * high);
        }

        var total = Vector.Sum(sum);
        foreach (var value in row[(vectors.Length * Vector<float>.Count)..])
        {
            total += (double)value * value;
        }

        return total;
    }

    /// <summary>A bfloat16 is the upper half of a float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfBrainFloats(ReadOnlySpan<ushort> row)
    {
        var vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(row);
        var sum = Vector<float>.Zero;
        foreach (var vector in vectors)
        {
            Vector.Widen(vector, out var low, out var high);
            var (first, second) = (Vector.AsVectorSingle(low << 16), Vector.AsVectorSingle(high << 16));
            sum += (first * first) + (second * second);
        }

        double total = Vector.Sum(sum);
        foreach (var bits in row[(vectors.Length * Vector<ushort>.Count)..])
        {
            var value = BitConverter.UInt32BitsToSingle((uint)bits << 16);
            total += (double)value * value;
        }

        return total;
    }

    /// <summary>
    /// The bits of a float16 without its sign, put where a float32 has exponent and fraction, are the number over 2^112:
    /// denormals too. Infinities come out as 2^16 and more, which no norm of a model reaches.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfHalves(ReadOnlySpan<ushort> row)
    {
        var vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(row);
        var mask = new Vector<uint>(0x7fff);
        var sum = Vector<float>.Zero;
        foreach (var vector in vectors)
        {
            Vector.Widen(vector, out var low, out var high);
            var first = Vector.AsVectorSingle((low & mask) << 13) * HalfScale;
            var second = Vector.AsVectorSingle((high & mask) << 13) * HalfScale;
            sum += (first * first) + (second * second);
        }

        double total = Vector.Sum(sum);
        foreach (var bits in row[(vectors.Length * Vector<ushort>.Count)..])
        {
            var value = BitConverter.UInt32BitsToSingle((uint)(bits & 0x7fff) << 13) * HalfScale;
            total += (double)value * value;
        }

        return total;
    }
}
