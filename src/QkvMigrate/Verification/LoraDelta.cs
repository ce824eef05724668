using System.Numerics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>
/// Rows of <c>lora_B·lora_A</c> in float64. Products of two numbers of 32 bits are exact in it, and sums are made in the
/// order of the columns; so two LoRA that differ by zeros alone give the same bits, where no number is infinite or none.
/// </summary>
internal sealed class LoraDelta
{
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

    /// <summary>LitGPT's <c>lora_r</c>.</summary>
    public int Rank => rank;

    /// <summary>Columns of the delta: the layer's <c>in_features</c>.</summary>
    public int Width { get; }

    /// <summary>Writes one row of the delta to <paramref name="row"/>.</summary>
    /// <param name="rowOfB">The row of B.</param>
    /// <param name="block">The block of A that it is multiplied with.</param>
    /// <param name="row">Takes <see cref="Width"/> numbers.</param>
    public void Row(long rowOfB, int block, Span<double> row) => Row(rowOfB, block, 0, row);

    /// <summary>Writes some columns of one row, from <paramref name="column"/> on.</summary>
    public void Row(long rowOfB, int block, int column, Span<double> row)
    {
        // A factor of zero is no reason to leave a product out: 0·NaN and 0·∞ are NaN.
        var factors = b.AsSpan(checked((int)(rowOfB * rank)), rank);
        var start = (block * rank * Width) + column;
        var lanes = Vector<double>.Count;
        var at = 0;
        for (; at <= row.Length - (4 * lanes); at += 4 * lanes)
        {
            var (first, second, third, fourth) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
            for (var (k, from) = (0, start + at); k < factors.Length; k++, from += Width)
            {
                var factor = new Vector<double>(factors[k]);
                first += new Vector<double>(a, from) * factor;
                second += new Vector<double>(a, from + lanes) * factor;
                third += new Vector<double>(a, from + (2 * lanes)) * factor;
                fourth += new Vector<double>(a, from + (3 * lanes)) * factor;
            }

            first.CopyTo(row[at..]);
            second.CopyTo(row[(at + lanes)..]);
            third.CopyTo(row[(at + (2 * lanes))..]);
            fourth.CopyTo(row[(at + (3 * lanes))..]);
        }

        for (; at < row.Length; at++)
        {
            var sum = 0.0;
            for (var (k, from) = (0, start + at); k < factors.Length; k++, from += Width)
            {
                sum += a[from] * factors[k];
            }

            row[at] = sum;
        }
    }

    /// <summary>Whether all numbers of a matrix are finite.</summary>
    /// <exception cref="MigrationException">As where both are read.</exception>
    public static bool IsFinite(TensorEntry matrix) => Array.TrueForAll(Read(matrix.Storage.Source, matrix), double.IsFinite);

    /// <summary>Both matrices in float32, rounded where they are of float64: A, then B.</summary>
    public (float[] A, float[] B) ToSingles() => (Array.ConvertAll(a, number => (float)number), Array.ConvertAll(b, number => (float)number));

    /// <summary>The factors of the products whose sum is one number of the delta.</summary>
    public IEnumerable<(double B, double A)> Terms(long rowOfB, int block, int column)
    {
        for (var k = 0; k < rank; k++)
        {
            yield return (b[(rowOfB * rank) + k], a[(((block * rank) + k) * Width) + column]);
        }
    }

    private static double[] Read(SourceFile source, TensorEntry matrix)
    {
        var stored = new MatrixBytes(source, matrix);
        var numbers = new double[matrix.ElementCount];
        StoredNumbers.Read(stored.All, matrix.DType.Name, numbers);
        return numbers;
    }
}
