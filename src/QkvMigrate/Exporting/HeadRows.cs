using QkvMigrate.Attention;

namespace QkvMigrate.Exporting;

/// <summary>Where the rows of heads stand in a fused matrix.</summary>
internal static class HeadRows
{
    /// <summary>The runs of rows of a matrix in the order <paramref name="from"/> that become each of the matrices that a family has of it.</summary>
    public static IReadOnlyList<IReadOnlyList<RowRun>> Of(AttentionGeometry geometry, RowOrder from, FusedTreatment treatment)
    {
        var places = new Dictionary<HeadBlock, int>();
        foreach (var head in from.Blocks(geometry))
        {
            places.Add(head, places.Count);
        }

        return treatment switch
        {
            FusedTreatment.Interleaved => [Runs(RowOrder.Interleaved.Blocks(geometry))],
            FusedTreatment.Sequential => [Runs(RowOrder.Sequential.Blocks(geometry))],
            FusedTreatment.Split => [.. RowOrder.Sequential.Blocks(geometry).GroupBy(head => head.Section).Select(Runs)],
            _ => throw new ArgumentOutOfRangeException(nameof(treatment), treatment, null),
        };

        IReadOnlyList<RowRun> Runs(IEnumerable<HeadBlock> heads)
        {
            var runs = new List<RowRun>();
            foreach (var start in heads.Select(head => places[head] * geometry.HeadSize))
            {
                if (runs.Count > 0 && runs[^1].End == start)
                {
                    runs[^1] = runs[^1] with { Length = runs[^1].Length + geometry.HeadSize };
                }
                else
                {
                    runs.Add(new RowRun(start, geometry.HeadSize));
                }
            }

            return runs;
        }
    }
}
