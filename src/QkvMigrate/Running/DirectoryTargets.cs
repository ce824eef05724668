using QkvMigrate.Files;
using QkvMigrate.Running.Batches;

namespace QkvMigrate.Running;

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
            var names = string.Join(" and ", same.Select(checkpoint => Path.GetFileName(checkpoint.Path)));
            throw new MigrationException(
                FailureKind.Conflict,
                $"{names} would all be merged to {Path.GetFileName(same.Key)}; name one of them",
                plan.Unit.Root);
        }

        if (!request.InPlace)
        {
            CheckFolders(plan);
            CheckKinds(plan, journal);
        }

        foreach (var checkpoint in plan.Checkpoints)
        {
            CheckpointWriting.CheckBaseStays(checkpoint, plan.OutputOf(checkpoint));
        }

        if (journal is not null)
        {
            List<string> all = [.. plan.Results, .. plan.KeptLinks.Select(link => link.Path)];
            foreach (var file in plan.Results)
            {
                var mayReplace = journal.Earlier.MayReplace(file) || IsCleared(file);
                CheckpointWriting.CheckTarget(Path.Combine(plan.Unit.Root, file), Path.Combine(plan.Output, file), request with { Force = mayReplace });
            }

            if (plan.KeptLinks.FirstOrDefault(link => !journal.Earlier.MayPut(link) && !IsCleared(link.Path)) is { } other)
            {
                throw Exists(Path.Combine(plan.Output, other.Path));
            }

            journal.Earlier.CheckStale(all);
            return;

            bool IsCleared(string file) => IsFolder(Path.Combine(plan.Output, file)) && journal.Earlier.Clears(file, all);
        }

        foreach (var (source, output) in request.InPlace ? Replaced(plan) : [(plan.Unit.Root, plan.Output)])
        {
            CheckpointWriting.CheckTarget(source, output, request);
        }
    }

    private static MigrationException Exists(string path) => new(FailureKind.Target, "the output exists already; --force replaces it", path);

    /// <summary>A folder is not replaced by a file, nor a file by a folder: the system would tell when half of the files have their names.</summary>
    private static void CheckKinds(DirectoryPlan plan, UnitJournal? journal)
    {
        var results = plan.Results.Concat(plan.KeptLinks.Select(link => link.Path)).ToList();
        if (results.Find(file => IsFolder(Path.Combine(plan.Output, file)) && journal?.Earlier.Clears(file, results) != true) is { } folder)
        {
            throw new MigrationException(FailureKind.Target, "a folder stands where a file is to be; take it away", Path.Combine(plan.Output, folder));
        }

        var folders = results.SelectMany(Above).Distinct(StringComparer.Ordinal);
        if (folders.FirstOrDefault(above => IsNoFolder(Path.Combine(plan.Output, above)) && journal?.Earlier.Clears(above, results) != true) is { } file)
        {
            throw new MigrationException(FailureKind.Target, "a file stands where a folder is to be; take it away", Path.Combine(plan.Output, file));
        }
    }

    /// <summary>Whether something is there that is no folder, nor a link to one.</summary>
    private static bool IsNoFolder(string path) => FileIdentity.OfLink(path) is not null && !Directory.Exists(path);

    private static bool IsFolder(string path) => FileIdentity.OfLink(path) is { IsDirectory: true };

    private static IEnumerable<string> Above(string file)
    {
        for (var folder = Path.GetDirectoryName(file); !string.IsNullOrEmpty(folder); folder = Path.GetDirectoryName(folder))
        {
            yield return folder;
        }
    }

    /// <summary>A folder of the output may be a link into the source.</summary>
    private static void CheckFolders(DirectoryPlan plan)
    {
        foreach (var folder in plan.Results.Select(file => FilePlace.DirectoryOf(Path.Combine(plan.Output, file))).Distinct(StringComparer.Ordinal))
        {
            if (FilePlace.Of(folder).IsWithin(plan.Unit.TreeFolders))
            {
                throw new MigrationException(FailureKind.Target, "this folder of the output lies within the source", folder);
            }
        }
    }

    private static IEnumerable<(string Source, string Output)> Replaced(DirectoryPlan plan) =>
        plan.Checkpoints.Where(checkpoint => checkpoint.Plan.IsNeeded).Select(checkpoint => checkpoint.Path)
            .Concat(plan.Configuration.Files.Select(file => Path.Combine(plan.Unit.Root, file.Name)))
            .Select(path => (path, path));
}
