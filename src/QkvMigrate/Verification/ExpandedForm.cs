namespace QkvMigrate.Verification;

/// <summary>
/// Holds the matrices of an expanded LoRA against the old ones, number by number and bit for bit. That the product is the same is
/// not enough: a number that meets none but zeros, or whose last bits the sum rounds away, says something to whoever trains on.
/// <code>
/// A of q, k and v: every A that there was, one below the other; then zeros
/// B: each old row in the columns of the A that it was multiplied with; zeros around it
/// any other layer: what there was; zeros behind it
/// </code>
/// </summary>
/// <param name="layer">The layer.</param>
/// <param name="before">The old A and B.</param>
/// <param name="after">The new ones.</param>
internal sealed class ExpandedForm(LoraPair layer, (MatrixBytes A, MatrixBytes B) before, (MatrixBytes A, MatrixBytes B) after)
{
    private const string Problem = "one of its numbers is not the first file's at its place, or is no zero around them";

    /// <summary>Compares all rows of A; those of q, k and v each have the same.</summary>
    public void CompareA(DifferenceLog log)
    {
        var rank = after.B.RowLength / after.B.ItemSize;
        var expected = new byte[after.A.RowLength];
        for (var row = 0L; row < after.A.RowCount; row++)
        {
            expected.AsSpan().Clear();
            if (row % rank is var old && old < before.A.RowCount)
            {
                before.A[old].CopyTo(expected);
            }

            if (!after.A[row].SequenceEqual(expected))
            {
                log.Add(new Difference($"tensor '{layer.A.Label}'", Problem) { Row = row });
            }
        }
    }

    /// <summary>Whether a row of B is as it must be.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">Where its numbers come from; null where no LoRA was added to its row of the weight.</param>
    public bool HasRow(long row, LoraRow? place)
    {
        Span<byte> expected = new byte[after.B.RowLength];
        if (place is { } old)
        {
            before.B[old.RowOfB].CopyTo(expected[(old.Block * before.B.RowLength)..]);
        }

        return after.B[row].SequenceEqual(expected);
    }

    /// <summary>What is wrong with a row of B that is not.</summary>
    public Difference OfRow(long row) => new($"tensor '{layer.B.Label}'", Problem) { Row = row };
}
