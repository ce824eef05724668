using QkvMigrate.Checkpoints;
using QkvMigrate.Migration.Batches;

namespace QkvMigrate.Migration;

/// <summary>Refuses targets of a directory's migration before anything is written.</summary>
internal static class DirectoryTargets
{
    /// <summary>Looks at what stands where the results are to be.</summary>
    /// <param name="plan">The plan, which is needed.</param>
    /// <param name="journal">What is known of the directory's earlier results, where it is part of a tree; null otherwise.</param>
    /// <exception cref="MigrationException">Two results have one name, or something is there that must stay.</exception>
    public static void Check(DirectoryPlan plan, UnitJournal? journal)
    {
        var request = plan.Request;
        if (plan.Checkpoints.GroupBy(plan.OutputOf).FirstOrDefault(same => same.Count() > 1) is { } same)
        {
            throw new MigrationException(FailureKind.Conflict, $"{string.Join(" and ", same.Select(checkpoint => Path.GetFileName(checkpoint.Path)))} would all be merged to {Path.GetFileName(same.Key)}; name one of them", plan.Unit.Root);
        }

        if (!request.InPlace)
        {
            CheckFolders(plan);
        }

        foreach (var checkpoint in plan.Checkpoints)
        {
            CheckpointWriting.CheckBaseStays(checkpoint, plan.OutputOf(checkpoint));
        }

        if (journal is not null)
        {
            var results = plan.Results.ToList();
            foreach (var file in results)
            {
                var mayReplace = journal.MayReplace(file);
                CheckpointWriting.CheckTarget(Path.Combine(plan.Unit.Root, file), Path.Combine(plan.Output, file), request with { Force = mayReplace });
            }

            foreach (var link in plan.KeptLinks)
            {
                CheckLink(link, Path.Combine(plan.Output, link.Path), request);
            }

            journal.CheckStale(results);
            return;
        }

        foreach (var (source, output) in request.InPlace ? Replaced(plan) : [(plan.Unit.Root, plan.Output)])
        {
            CheckpointWriting.CheckTarget(source, output, request);
        }
    }

    /// <summary>A link replaces one that leads to the same place, and nothing else.</summary>
    private static void CheckLink(KeptLink link, string output, MigrationRequest request)
    {
        if (!request.Force && FileIdentity.OfLink(output) is not null && new FileInfo(output).LinkTarget != link.Text)
        {
            throw new MigrationException(FailureKind.Target, "the output exists already; --force replaces it", output);
        }
    }

    /// <summary>A folder of the output may be a link into the source.</summary>
    private static void CheckFolders(DirectoryPlan plan)
    {
        foreach (var folder in plan.Results.Select(file => Path.GetDirectoryName(Path.Combine(plan.Output, file))!).Distinct(StringComparer.Ordinal))
        {
            if (FilePlace.Of(folder).IsWithin(plan.Unit.TreeFolders))
            {
                throw new MigrationException(FailureKind.Target, "this folder of the output lies within the source", folder);
            }
        }
    }

    private static IEnumerable<(string Source, string Output)> Replaced(DirectoryPlan plan) =>
        plan.Checkpoints.Where(checkpoint => checkpoint.Plan!.IsNeeded).Select(checkpoint => checkpoint.Path)
            .Concat(plan.Configuration.Files.Select(file => Path.Combine(plan.Unit.Root, file.Name)))
            .Select(path => (path, path));
}
