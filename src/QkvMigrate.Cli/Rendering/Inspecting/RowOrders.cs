using QkvMigrate.Attention;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Rendering.Inspecting;

/// <summary>The orders of rows that a report shows.</summary>
internal static class RowOrders
{
    /// <summary>Before and after an upgrade, or the one of the file where none is needed; none where it has no fused rows.</summary>
    public static IReadOnlyList<(string Title, RowOrder Order)> Of(CheckpointReport report) =>
        report.Layout?.Rows is not { } rows ? []
            : report.Plan is { HasWork: true, Conversion.To.Rows: { } after } ? [("before", rows), ("after", after)]
            : [("order", rows)];
}
