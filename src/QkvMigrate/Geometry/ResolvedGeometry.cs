using QkvMigrate.Attention;

namespace QkvMigrate.Geometry;

/// <summary>A geometry that fits every fused tensor's shape.</summary>
/// <param name="Geometry">The three numbers.</param>
/// <param name="Source">Where they came from.</param>
/// <param name="Warnings">Where other sources disagree.</param>
public sealed record ResolvedGeometry(AttentionGeometry Geometry, string Source, IReadOnlyList<string> Warnings);
