using QkvMigrate.Attention;

namespace QkvMigrate.Planning.Lora;

/// <summary>Rows of the fused matrix that follow each other, and the part of a LoRA whose product is their delta.</summary>
/// <param name="Target">The first row in the new fused matrix.</param>
/// <param name="RowOfB">The row of lora_B that belongs to it.</param>
/// <param name="Count">How many rows.</param>
/// <param name="Ordinal">Which block of lora_A's rows they are multiplied with: one of the enabled sections, from 0.</param>
internal readonly record struct LoraRun(long Target, long RowOfB, long Count, int Ordinal);

/// <summary>
/// Which part of a LoRA belongs to which row of the fused matrix. The delta <c>[B_q·A_q; B_k·A_k; B_v·A_v]</c>, zeros where
/// a section has no LoRA, has as many rows as the matrix.
/// </summary>
internal static class LoraRows
{
    /// <summary>The runs where each section's delta belongs to the rows of that section; nothing is permuted.</summary>
    /// <param name="sections">Which of q, k and v have LoRA.</param>
    /// <param name="geometry">The geometry.</param>
    public static IEnumerable<LoraRun> BySection(LoraSections sections, AttentionGeometry geometry) =>
        Runs([new RowRun(0, checked((int)geometry.FusedRows))], sections, geometry);

    /// <summary>Row i of the delta was added to row i of the old matrix, whatever head that row belonged to, so it moves as that row does.</summary>
    /// <param name="permutation">The source rows of the fused matrix in the order of the destination.</param>
    /// <param name="sections">Which of q, k and v have LoRA.</param>
    /// <param name="geometry">The geometry.</param>
    public static IEnumerable<LoraRun> ByRow(RowPermutation permutation, LoraSections sections, AttentionGeometry geometry) =>
        Runs(permutation.Runs, sections, geometry);

    /// <summary>The rows of the delta in the order that <paramref name="rows"/> names; those without LoRA are left out.</summary>
    private static IEnumerable<LoraRun> Runs(IEnumerable<RowRun> rows, LoraSections sections, AttentionGeometry geometry)
    {
        var target = 0L;
        foreach (var run in rows)
        {
            foreach (var (section, start, first, count) in Parts(run, geometry))
            {
                if (sections.Place(section, geometry) is { } place)
                {
                    yield return new LoraRun(target, place.FirstRow + first - start, count, place.Ordinal);
                }

                target += count;
            }
        }
    }

    /// <summary>The parts of a run of the delta that lie in q, in k and in v: the section, where it starts, and the part's rows.</summary>
    private static IEnumerable<(int Section, long Start, long First, long Count)> Parts(RowRun run, AttentionGeometry geometry)
    {
        var start = 0L;
        foreach (var (section, rows) in LoraSections.Rows(geometry).Index())
        {
            var first = Math.Max(run.Start, start);
            var count = Math.Min(run.End, start + rows) - first;
            if (count > 0)
            {
                yield return (section, start, first, count);
            }

            start += rows;
        }
    }
}
