using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;

namespace QkvMigrate.Planning;

/// <summary>Holds what is about to be done against what a sample of the weights says. It warns or refuses; it never chooses.</summary>
internal static class EvidenceCheck
{
    private const int RankedInMessage = 3;

    /// <summary>Advice where the weights speak against the geometry in use.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="plan">What is about to be done with it.</param>
    /// <param name="otherShards">The tensors in the other files of the same model.</param>
    /// <param name="isStrict">Refuse instead.</param>
    /// <exception cref="MigrationException">They do, and <paramref name="isStrict"/> is set; or the file cannot be read.</exception>
    public static IReadOnlyList<Advice> Check(Checkpoint checkpoint, MigrationPlan plan, IReadOnlyList<TensorEntry> otherShards, bool isStrict)
    {
        if (plan is not { IsNeeded: true, Geometry.Geometry: { } geometry })
        {
            return [];
        }

        var layout = plan.Layout.Rows!;
        return GeometryEvidence.Measure(checkpoint, EvidenceSample.Quick, geometry, otherShards)?.Against(layout, geometry) is not { } against ? []
            : isStrict ? throw new MigrationException(FailureKind.Geometry, $"{against}; without --strict-evidence this is a warning", checkpoint.Source.Path)
            : [new Advice("geometry-contradicted", against)];
    }

    /// <summary>A failure to find a geometry, with the ranking of those that the shapes allow where the weights favour one.</summary>
    public static MigrationException WithRanking(MigrationException error, Checkpoint checkpoint, IReadOnlyList<TensorEntry> otherShards) =>
        GeometryEvidence.Measure(checkpoint, EvidenceSample.Quick, otherShards: otherShards) is { Winner: not null } evidence
            ? new MigrationException(
                error.Kind,
                $"{error.Problem}; going by the norms of the rows (share of their variance that q, k and v explain), the likeliest are {string.Join(", ", evidence.Ranking.Take(RankedInMessage))}",
                error.File,
                error.Where,
                error.Offset,
                error)
            : error;
}
