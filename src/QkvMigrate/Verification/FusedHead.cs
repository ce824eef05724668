using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>A head of a fused matrix.</summary>
/// <param name="Section">q, k or v.</param>
/// <param name="Head">Its number within the section.</param>
internal readonly record struct FusedHead(QkvSection Section, long Head)
{
    /// <summary>The query group that it belongs to.</summary>
    public long QueryGroup(AttentionGeometry geometry) => Section == QkvSection.Query ? Head / geometry.QueriesPerGroup : Head;
}
