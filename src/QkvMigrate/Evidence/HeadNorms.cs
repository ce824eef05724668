using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Evidence;

/// <summary>The norms of one fused matrix, head by head.</summary>
/// <param name="Tensor">The matrix's name in reports.</param>
/// <param name="Norms">
/// The Frobenius norm of each head's <c>head_size</c> rows, one number for each block of the layout, in the order of the
/// file's rows; NaN or ∞ where a row is not finite.
/// </param>
public sealed record LayerNorms(string Tensor, IReadOnlyList<double> Norms);

/// <summary>
/// The size of each head of q, k and v in every layer. In trained models the heads of q, k and v differ in it, so that a
/// picture of these numbers shows where they stand. Memory is bounded by a row and a number for each row of one matrix.
/// </summary>
public static class HeadNorms
{
    /// <summary>The fused matrices whose rows can be read, in the file's order.</summary>
    /// <param name="scan">The file's fused attention.</param>
    /// <param name="geometry">The geometry, which fits the file's shapes.</param>
    public static IReadOnlyList<TensorEntry> Matrices(AttentionScan scan, AttentionGeometry geometry) =>
    [
        .. scan.Fused
            .Where(fused => RowNorms.IsFusedMatrix(fused) && fused.Tensor.Shape[0] == geometry.FusedRows)
            .Select(fused => fused.Tensor),
    ];

    /// <summary>Reads one of <see cref="Matrices"/>.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The reading was cancelled.</exception>
    public static LayerNorms Measure(Checkpoint checkpoint, TensorEntry matrix, AttentionGeometry geometry, CancellationToken cancellation = default) =>
        new(matrix.Label, [.. RowNorms.Read(checkpoint.Source, matrix, EvidenceSample.All, cancellation).Chunk(geometry.HeadSize).Select(Whole)]);

    /// <summary>The norm of a block of rows from the logarithms of theirs.</summary>
    private static double Whole(double[] logarithms) => Math.Sqrt(logarithms.Sum(logarithm => Math.Exp(2 * logarithm)));
}
