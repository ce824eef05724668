using QkvMigrate.Evidence;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what the weights say about the geometry, the best first.</summary>
internal static class EvidenceTable
{
    private const int Rows = 8;

    /// <summary>Writes the table.</summary>
    public static void Write(TextWriter writer, GeometryEvidence evidence)
    {
        writer.WriteLine($"  evidence  share of the variance of the row norms that q, k and v explain, {evidence.Basis}:");
        foreach (var score in evidence.Ranking.Take(Rows))
        {
            writer.WriteLine($"    {score.Explained:0.000}  {score.Layout.Name,-11} {(score.Geometry is { } geometry ? geometry.ToString() : "(any geometry; interleaved too where n_query_groups=1)")}");
        }

        if (evidence.Ranking.Count > Rows)
        {
            writer.WriteLine($"    and {evidence.Ranking.Count - Rows} more");
        }

        writer.WriteLine(evidence.Winner is null ? "    none wins clearly" : "    the first wins clearly");
    }
}
