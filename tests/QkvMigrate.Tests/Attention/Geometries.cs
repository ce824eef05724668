using CsCheck;
using QkvMigrate.Attention;

namespace QkvMigrate.Tests.Attention;

internal static class Geometries
{
    /// <summary>Small geometries of every kind: multi-head, grouped, multi-query, odd.</summary>
    public static Gen<AttentionGeometry> Any { get; } =
        from queriesPerGroup in Gen.Int[1, 9]
        from groups in Gen.Int[1, 9]
        from headSize in Gen.Int[1, 20]
        select new AttentionGeometry(queriesPerGroup * groups, groups, headSize);
}
