using QkvMigrate.Attention;
using QkvMigrate.FilePlans;
using QkvMigrate.Geometry;

namespace QkvMigrate.Planning;

/// <summary>A new file, as it is planned.</summary>
/// <param name="Geometry">The geometry and where it came from.</param>
/// <param name="Permutation">The source rows of a fused tensor in the order of the destination.</param>
/// <param name="Output">What the file is made of.</param>
public sealed record PlannedRewrite(ResolvedGeometry Geometry, RowPermutation Permutation, FilePlan Output);
