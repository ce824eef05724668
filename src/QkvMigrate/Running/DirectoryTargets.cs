using QkvMigrate.Files;
using QkvMigrate.Running.Batches;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Writing;

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

        foreach (var checkpoint in plan.Checkpoints)
        {
            CheckpointTarget.CheckBaseStays(checkpoint, plan.OutputOf(checkpoint));
        }

        if (!request.InPlace)
        {
            Check(new NewFolder(plan.Unit, plan.Output, [.. plan.Results], [.. plan.KeptLinks]), request, journal);
            return;
        }

        foreach (var checkpoint in request.Journal ? plan.Checkpoints : [])
        {
            InPlaceWriting.Check(checkpoint);
        }

        foreach (var path in Replaced(plan))
        {
            CheckpointTarget.Check(path, path, request);
        }
    }

    /// <summary>Looks at what stands where a new folder is to be.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="journal">What is known of earlier results, where the folder is part of a tree; null otherwise.</param>
    /// <exception cref="MigrationException">Something is there that must stay.</exception>
    public static void Check(NewFolder folder, MigrationRequest request, UnitJournal? journal)
    {
        // In a folder that is not there, nothing is.
        var isThere = FileIdentity.OfLink(folder.Path) is not null;
        CheckFolders(folder, isThere);
        if (isThere)
        {
            CheckKinds(folder, journal);
        }

        if (journal is null)
        {
            CheckpointTarget.Check(folder.Unit.Root, folder.Path, request);
            return;
        }

        if (!isThere)
        {
            foreach (var file in folder.Files)
            {
                CheckpointTarget.CheckNew(folder.PathOf(file));
            }

            return;
        }

        foreach (var file in folder.Files)
        {
            var mayReplace = journal.Earlier.MayReplace(file) || IsCleared(file);
            CheckpointTarget.Check(Path.Combine(folder.Unit.Root, file), folder.PathOf(file), request with { Force = mayReplace });
        }

        if (folder.Links.FirstOrDefault(link => !journal.Earlier.MayPut(link) && !IsCleared(link.Path)) is { } other)
        {
            throw ExistingOutput.Refused(folder.PathOf(other.Path));
        }

        journal.Earlier.CheckStale(folder.Names);

        bool IsCleared(string file) => IsFolder(folder.PathOf(file)) && journal.Earlier.Clears(file, folder.Names);
    }

    /// <summary>
    /// Refuses to replace a folder by a file, or a file by a folder. The system would refuse it only when half of the files
    /// have their names.
    /// </summary>
    private static void CheckKinds(NewFolder folder, UnitJournal? journal)
    {
        if (folder.Names.FirstOrDefault(file => IsFolder(folder.PathOf(file)) && journal?.Earlier.Clears(file, folder.Names) != true) is { } inPlaceOfFile)
        {
            throw new MigrationException(FailureKind.Target, "a folder stands where a file is to be; take it away", folder.PathOf(inPlaceOfFile));
        }

        var folders = folder.Names.SelectMany(Above).Distinct(StringComparer.Ordinal);
        if (folders.FirstOrDefault(above => IsNoFolder(folder.PathOf(above)) && journal?.Earlier.Clears(above, folder.Names) != true) is { } inPlaceOfFolder)
        {
            throw new MigrationException(FailureKind.Target, "a file stands where a folder is to be; take it away", folder.PathOf(inPlaceOfFolder));
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
    private static void CheckFolders(NewFolder folder, bool isThere)
    {
        var files = isThere ? folder.Files : folder.Files.Take(1);
        foreach (var path in files.Select(file => FilePlace.DirectoryOf(folder.PathOf(file))).Distinct(StringComparer.Ordinal))
        {
            if (folder.Unit.TreeFolders.Have(FilePlace.Of(path)))
            {
                throw new MigrationException(FailureKind.Target, "this folder of the output lies within the source", path);
            }
        }
    }

    private static IEnumerable<string> Replaced(DirectoryPlan plan) =>
        plan.Checkpoints.Where(checkpoint => checkpoint.Plan.HasWork).Select(checkpoint => checkpoint.Path)
            .Concat(plan.Configuration.Files.Select(file => Path.Combine(plan.Unit.Root, file.Name)));
}
