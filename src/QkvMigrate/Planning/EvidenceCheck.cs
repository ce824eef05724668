using QkvMigrate.Evidence;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>Holds what is about to be done against what a sample of the weights says. It warns or refuses; it never chooses.</summary>
internal static class EvidenceCheck
{
    private const int RankedInMessage = 3;

    /// <summary>Advice where the weights speak against the geometry in use.</summary>
    /// <param name="scan">The file's fused attention.</param>
    /// <param name="plan">What is about to be done with it.</param>
    /// <param name="isStrict">Whether such weights are a refusal in the place of advice.</param>
    /// <exception cref="MigrationException">They do, and <paramref name="isStrict"/> is set; or the file cannot be read.</exception>
    public static IReadOnlyList<Advice> Check(AttentionScan scan, MigrationPlan plan, bool isStrict)
    {
        if (plan.Rewrite is not { Geometry.Geometry: var geometry })
        {
            return [];
        }

        var evidence = GeometryEvidence.Measure(scan, EvidenceSample.Quick, geometry);
        if (evidence?.Against(plan.Layout.FusedRows, geometry) is not { } against)
        {
            return [];
        }

        return isStrict
            ? throw new MigrationException(FailureKind.Geometry, $"{against}; without --strict-evidence this is a warning", scan.Checkpoint.Source.Path)
            : [new Advice("geometry-contradicted", against)];
    }

    /// <summary>A failure to find a geometry, with the ranking of those that the shapes allow where the weights favour one.</summary>
    public static MigrationException WithRanking(MigrationException error, AttentionScan scan)
    {
        if (GeometryEvidence.Measure(scan, EvidenceSample.Quick) is not { Winner: not null } evidence)
        {
            return error;
        }

        var ranking = $"going by the norms of the rows (share of their variance that q, k and v explain), "
            + $"the likeliest are {string.Join(", ", evidence.Ranking.Take(RankedInMessage))}";
        return new MigrationException(error.Kind, $"{error.Problem}; {ranking}", error.File, error.Where, error.Offset, error);
    }
}
