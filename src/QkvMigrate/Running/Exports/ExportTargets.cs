using QkvMigrate.Exporting;
using QkvMigrate.Files;
using QkvMigrate.Running.Batches;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Exports;

/// <summary>Refuses targets of an export before anything is written.</summary>
internal static class ExportTargets
{
    /// <summary>Weights under names that this export has not; libraries would load them in its place. With --force they go.</summary>
    public static IReadOnlyList<string> OtherWeights(ExportPlan plan, string output) => !Directory.Exists(output) ? [] :
        [
            .. Directory
                .EnumerateFiles(output)
                .Select(file => Path.GetFileName(file))
                .Where(WeightFiles.IsNameOfOne)
                .Except(plan.Files, StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Looks at what stands where the result is to be.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="output">The directory that becomes its result.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="journal">What is known of earlier results, where the unit is part of a tree; null otherwise.</param>
    /// <exception cref="MigrationException">Something is there that must stay.</exception>
    public static void Check(ExportPlan plan, CheckpointUnit unit, string output, MigrationRequest request, UnitJournal? journal)
    {
        if (FilePlace.Of(output).Id == FilePlace.Of(unit.Root).Id)
        {
            throw new MigrationException(FailureKind.Target, "the output is the directory of the checkpoint; name another one", output);
        }

        if (FileIdentity.Of(output) is { IsDirectory: false })
        {
            throw new MigrationException(FailureKind.Target, "the output is a file, expected a directory", output);
        }

        CheckWeights(plan, output, request, journal);
        DirectoryTargets.Check(new NewFolder(unit, output, [.. plan.Files], []), request, journal);
    }

    private static void CheckWeights(ExportPlan plan, string output, MigrationRequest request, UnitJournal? journal)
    {
        if (journal is not null && !request.Force && OtherWeights(plan, output).FirstOrDefault(file => !journal.Earlier.MayReplace(file)) is { } other)
        {
            throw new MigrationException(
                FailureKind.Target,
                "weights of another model stand in the output, which would be loaded in its place; take them away, or --force does",
                Path.Combine(output, other));
        }
    }
}
