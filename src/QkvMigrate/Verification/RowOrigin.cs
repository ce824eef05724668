using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>Which head a row of the second file belongs to, and which row of the first file it must be.</summary>
/// <param name="Section">q, k or v.</param>
/// <param name="Head">The head within its section.</param>
/// <param name="QueryGroup">The query group.</param>
/// <param name="Source">The row of the first file.</param>
internal readonly record struct RowOrigin(QkvSection Section, int Head, int QueryGroup, long Source)
{
    /// <summary>Computes the origin of one row from the definitions of the two layouts.</summary>
    /// <param name="row">The row of the second file.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="headRows">Rows of one head: <c>head_size</c>, or fewer where an element packs several.</param>
    /// <param name="change">What was made of the first file.</param>
    public static RowOrigin Of(long row, AttentionGeometry geometry, int headRows, VerifiedChange change)
    {
        var (place, within) = Math.DivRem(row, headRows);
        var head = change.To.HeadAt(place, geometry);
        var source = (change.From.PlaceOf(head, geometry) * headRows) + within;
        return new RowOrigin(head.Section, (int)head.Head, (int)head.QueryGroup(geometry), source);
    }
}
