using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>Which head a row of the second file belongs to, and which row of the first file it must be.</summary>
/// <param name="Section">q, k or v.</param>
/// <param name="Head">The head within its section.</param>
/// <param name="QueryGroup">The query group.</param>
/// <param name="Source">The row of the first file.</param>
internal readonly record struct RowOrigin(QkvSection Section, int Head, int QueryGroup, long Source)
{
    /// <summary>
    /// Computes the origin of one row from the definitions of the two layouts. Interleaved, group g starts at row
    /// g·(q_per_kv + 2)·head_size with its q heads, then k, then v; sequential, all q heads stand first, then all k, then
    /// all v.
    /// </summary>
    /// <param name="row">The row of the second file.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="headRows">Rows of one head: <c>head_size</c>, or fewer where an element packs several.</param>
    /// <param name="direction">Upgrade: the second file is the sequential one.</param>
    public static RowOrigin Of(long row, AttentionGeometry geometry, int headRows, MigrationDirection direction)
    {
        var block = row / headRows;
        var within = row % headRows;
        var perGroup = geometry.QueriesPerGroup;
        long heads = geometry.HeadCount;
        long groups = geometry.QueryGroupCount;
        if (direction == MigrationDirection.Upgrade)
        {
            var (section, head) = block < heads ? (QkvSection.Query, block)
                : block < heads + groups ? (QkvSection.Key, block - heads)
                : (QkvSection.Value, block - heads - groups);
            var group = section == QkvSection.Query ? head / perGroup : head;
            var slot = section switch { QkvSection.Query => head % perGroup, QkvSection.Key => perGroup, _ => perGroup + 1 };
            return new RowOrigin(section, (int)head, (int)group, (((group * (perGroup + 2)) + slot) * headRows) + within);
        }
        else
        {
            var group = block / (perGroup + 2);
            var slot = block % (perGroup + 2);
            var (section, head) = slot < perGroup ? (QkvSection.Query, (group * perGroup) + slot)
                : slot == perGroup ? (QkvSection.Key, group)
                : (QkvSection.Value, group);
            var first = section switch { QkvSection.Query => 0, QkvSection.Key => heads, _ => heads + groups };
            return new RowOrigin(section, (int)head, (int)group, ((first + head) * headRows) + within);
        }
    }
}
