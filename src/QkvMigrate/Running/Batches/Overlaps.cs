using QkvMigrate.Files;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// Finds paths of one command line that lead to the same files. Each file is worked on once, and the output of a path is neither
/// that of another path nor in the source of one.
/// </summary>
internal sealed class Overlaps
{
    private readonly Dictionary<PathWork, CheckpointReport> skipped = [];
    private readonly HashSet<FileKey> folders = [];
    private readonly HashSet<(FileKey, string)> files = [];
    private readonly List<PathWork> taken = [];

    private Overlaps()
    {
    }

    /// <summary>The paths of <paramref name="works"/> that are not worked on, with a report that says why.</summary>
    public static IReadOnlyDictionary<PathWork, CheckpointReport> Of(IReadOnlyList<PathWork> works)
    {
        var overlaps = new Overlaps();
        if (works.Count > 1)
        {
            // A tree has every folder that a tree in it has.
            foreach (var work in works.OrderByDescending(work => work.Folders.Count))
            {
                overlaps.Take(work);
            }

            overlaps.CheckOutputs(works);
        }

        return overlaps.skipped;
    }

    private void Take(PathWork work)
    {
        if (work.Folders.Count > 0 && folders.Contains(work.Source.Id.Key))
        {
            Skip(work);
        }
        else if (folders.Overlaps(work.Folders))
        {
            Refuse(work, "another PATH has some of the same folders; name them in separate runs");
        }
        else if (work.Folders.Count == 0 && !files.Add(NameOf(work, work.Path)))
        {
            Skip(work);
        }
        else
        {
            folders.UnionWith(work.Folders);
            files.UnionWith(work.Checkpoints.Select(file => NameOf(work, file)));
            taken.Add(work);
        }
    }

    /// <summary>
    /// The name that stands for a file. Names are compared because hard links are replaced one by one. In place, the name
    /// behind a link counts.
    /// </summary>
    private static (FileKey, string) NameOf(PathWork work, string file) =>
        FilePlace.OfName(work.IsInPlace ? ReplacedFile.FinalTarget(file) : file).Id;

    private void CheckOutputs(IReadOnlyList<PathWork> works)
    {
        var sources = taken.Where(work => work.Folders.Count == 0).Select(work => work.Source.Id).ToHashSet();
        var outputs = new HashSet<(FileKey, string)>();
        foreach (var work in works.Where(work => work is { HasOutput: true, Output: not null } && !skipped.ContainsKey(work)))
        {
            // A file's output is a name in a folder, and the file that stands there may be a source by another name.
            if ((work.Folders.Count > 0 && work.Output!.IsWithin(folders))
                || sources.Contains(work.Output!.Id)
                || (work.Target is { } target && sources.Contains(target.Id)))
            {
                Refuse(work, "its output is another PATH, or lies in one");
            }
            else if (!outputs.Add(work.Output.Id))
            {
                Refuse(work, "its output is that of another PATH too; give them outputs of their own, in separate runs");
            }
        }
    }

    private void Skip(PathWork work) => skipped.Add(work, new CheckpointReport
    {
        Path = work.Path,
        Status = CheckpointStatus.Skipped,
        Advice = [new Advice("named-twice", "another PATH leads to it too, and it is worked on once")],
    });

    private void Refuse(PathWork work, string problem) =>
        skipped.Add(work, CheckpointReport.Of(work.Path, new MigrationException(FailureKind.Target, problem, work.Path)));
}
