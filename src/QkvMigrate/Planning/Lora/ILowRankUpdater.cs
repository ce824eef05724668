using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Lora;

/// <summary>Adds products of small matrices to the rows of large ones: the arithmetic of a merge, which this library leaves to others.</summary>
public interface ILowRankUpdater
{
    /// <summary>Prepares to add <c>scaling·B·A</c> to rows of a weight, in float32; in float64 where the weight is of float64.</summary>
    /// <param name="a">Shape <c>(n·r, columns of the weight)</c>, of float64, float32, float16 or bfloat16.</param>
    /// <param name="b">Shape <c>(any, r)</c>, likewise.</param>
    /// <param name="scaling">LitGPT's <c>lora_alpha / lora_r</c>.</param>
    /// <param name="weight">The weight's element type, likewise.</param>
    /// <exception cref="MigrationException">What computes cannot be had on this machine.</exception>
    ILowRankUpdate Begin(LoraMatrix a, LoraMatrix b, double scaling, DType weight);
}

/// <summary>An update of one weight, row by row.</summary>
public interface ILowRankUpdate : IDisposable
{
    /// <summary>
    /// Adds the scaled product of rows of B, from <paramref name="rowOfB"/> on, and the r rows of A from
    /// <paramref name="rowOfA"/> on; the sums are rounded to the weight's element type, halves to even.
    /// </summary>
    /// <param name="rows">Whole rows of the weight, one behind the other; changed in place.</param>
    /// <param name="rowOfB">The row of B that belongs to the first of them.</param>
    /// <param name="rowOfA">The first of the r rows of A.</param>
    void AddTo(Span<byte> rows, long rowOfB, long rowOfA);
}
