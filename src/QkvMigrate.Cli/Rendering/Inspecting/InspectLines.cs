using QkvMigrate.Attention;
using QkvMigrate.Layouts;
using QkvMigrate.Pickling.Policy;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Rendering.Inspecting;

/// <summary>What a checkpoint is, line by line, for every way of showing it.</summary>
internal static class InspectLines
{
    /// <summary>Orders that the evidence ranks, as many as are shown.</summary>
    private const int ShownScores = 8;

    /// <summary>Whether there is more to say of a checkpoint than why it was refused: what its weights say may show the way out.</summary>
    public static bool IsWorthShowing(CheckpointReport report) => report.Layout is not null || report.Error is null || report.Evidence is not null;

    /// <summary>What was found.</summary>
    /// <param name="report">The report.</param>
    /// <param name="width">Columns that the strips may take.</param>
    public static IEnumerable<ReportLine> Facts(CheckpointReport report, int width) => IsRefused(report) ? [] :
        [.. Facts(report), .. report.Geometry is { } geometry ? Strips(geometry, RowOrders.Of(report), width) : []];

    /// <summary>What was found, without a picture.</summary>
    public static IEnumerable<ReportLine> Facts(CheckpointReport report)
    {
        yield return new ReportLine("format", report.Format is { } format ? JsonNames.Kebab(format.ToString()) : "unknown");
        yield return new ReportLine("size", $"{ByteSize.Text(report.SourceBytes)} in {report.TensorCount} tensors");
        if (report.DTypes.Count > 0)
        {
            yield return new ReportLine(
                "dtypes",
                string.Join(
                    "; ",
                    report.DTypes.Select(
                        share => $"{share.DType}: {share.Tensors} {(share.Tensors == 1 ? "tensor" : "tensors")}, {ByteSize.Text(share.Bytes)}")));
        }

        if (report.Unreferenced.Count > 0)
        {
            yield return new ReportLine("unused", $"{ByteSize.Text(report.Unreferenced.Bytes)} in {report.Unreferenced.Count} storages that nothing names");
        }

        yield return new ReportLine("layout", (report.Layout ?? LayoutFamilies.None).Description);
        if (report.Geometry is { } geometry)
        {
            yield return new ReportLine("geometry", $"{geometry} (from {report.GeometrySource})");
            yield return new ReportLine("heads", Heads(geometry));
        }
    }

    /// <summary>What the weights say about the geometry, the best first, where they were asked.</summary>
    public static IEnumerable<ReportLine> Evidence(CheckpointReport report)
    {
        if (report.Evidence is not { } evidence)
        {
            yield break;
        }

        yield return new ReportLine("evidence", $"share of the variance of the row norms that q, k and v explain, {evidence.Basis}:");
        foreach (var score in evidence.Ranking.Take(ShownScores))
        {
            yield return new ReportLine(
                "",
                $"{score.Explained:0.000}  {score.Layout.Name,-11} "
                + $"{(score.Geometry is { } geometry ? geometry.ToString() : "(any geometry; interleaved too where n_query_groups=1)")}");
        }

        if (evidence.Ranking.Count > ShownScores)
        {
            yield return new ReportLine("", $"and {evidence.Ranking.Count - ShownScores} more");
        }

        yield return new ReportLine("", evidence.Winner is null ? "none wins clearly" : "the first wins clearly");
    }

    /// <summary>What its pickles name, and what the user should know.</summary>
    public static IEnumerable<ReportLine> Remarks(CheckpointReport report)
    {
        if (IsRefused(report))
        {
            yield break;
        }

        foreach (var group in report.Globals.GroupBy(use => use.Safety).OrderByDescending(group => group.Key))
        {
            var names = string.Join(", ", group.DistinctBy(use => use.Name).Select(Global));
            yield return new ReportLine(
                "globals",
                [new ReportSpan($"{JsonNames.Kebab(group.Key.ToString())}: {names}", IsWarning: group.Key == GlobalSafety.Dangerous)]);
        }

        foreach (var advice in report.Advice)
        {
            yield return new ReportLine("note", $"[{advice.Code}] {advice.Message}");
        }
    }

    /// <summary>Where the heads stand before and after an upgrade, or now where none is needed.</summary>
    private static IEnumerable<ReportLine> Strips(AttentionGeometry geometry, IReadOnlyList<(string Title, RowOrder Order)> orders, int width) =>
        orders.Zip(LayoutStrip.Of(geometry, width, [.. orders.Select(order => order.Order)]), (order, strip) => new ReportLine(order.Title, strip));

    private static string Heads(AttentionGeometry geometry) =>
        $"{geometry.HeadCount} q, {geometry.QueryGroupCount} k, {geometry.QueryGroupCount} v of {geometry.HeadSize} rows each; "
        + $"{geometry.FusedRows} rows in all";

    private static string Global(GlobalUse use) =>
        use.Safety == GlobalSafety.Dangerous ? $"{use.Name} ({use.Where} at byte {use.Offset}: {use.Why})" : use.Name;

    /// <summary>Why a checkpoint is refused stands on standard error, and nothing else of it is known for sure.</summary>
    private static bool IsRefused(CheckpointReport report) => report.Layout is null && report.Error is not null;
}
