using QkvMigrate.Attention;

namespace QkvMigrate.Running.Batches;

/// <summary>An <see cref="AttentionGeometry"/> as it is written down.</summary>
internal sealed record GeometryRecord(int HeadCount, int QueryGroupCount, int HeadSize)
{
    /// <summary>The record of <paramref name="geometry"/>.</summary>
    public static GeometryRecord Of(AttentionGeometry geometry) => new(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize);

    /// <summary>The geometry again; it may be none (<see cref="AttentionGeometry.Problem"/>).</summary>
    public AttentionGeometry ToGeometry() => new(HeadCount, QueryGroupCount, HeadSize);
}
