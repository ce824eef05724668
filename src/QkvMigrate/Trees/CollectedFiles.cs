namespace QkvMigrate.Trees;

/// <summary>The files of one unit, while the directories below it are still being walked through.</summary>
/// <param name="root">The unit's directory.</param>
/// <param name="checkpoints">The files in it that look like checkpoints, links among them.</param>
internal sealed class CollectedFiles(string root, IReadOnlyList<string> checkpoints)
{
    private readonly List<string> others = [];
    private readonly HashSet<string> linked = new(StringComparer.Ordinal);

    /// <summary>What has a name that is no UTF-8.</summary>
    public List<string> Unnameable { get; } = [];

    /// <summary>Adds files of a directory in or below the unit's.</summary>
    public void Add(SeenFolder folder)
    {
        var below = Path.GetRelativePath(root, folder.Path);
        others.AddRange(folder.OtherFiles.Select(Relative));
        linked.UnionWith(folder.Links.Select(Relative));

        string Relative(string file) => below == "." ? file : Path.Combine(below, file);
    }

    /// <summary>The unit. A link to a file that comes along is no file of its own: one checkpoint under two names is one.</summary>
    public CheckpointUnit ToUnit(string relative)
    {
        var links = checkpoints
            .Concat(others)
            .Where(linked.Contains)
            .Select(file => KeptLink.Of(root, file))
            .OfType<KeptLink>()
            .ToDictionary(link => link.Path, StringComparer.Ordinal);
        var files = checkpoints.Concat(others).Where(file => !links.ContainsKey(file)).ToHashSet(StringComparer.Ordinal);
        var kept = links.Values.Where(link => link.Target is null || files.Contains(link.Target)).Select(link => link.Path).ToHashSet(StringComparer.Ordinal);
        return new CheckpointUnit(root, relative, [.. checkpoints.Where(file => !kept.Contains(file))], [.. others.Where(file => !kept.Contains(file))])
        {
            Links = [.. links.Values.Where(link => kept.Contains(link.Path))],
            LeftBehind = [.. Unnameable.Select(StaysBehind)],
        };
    }

    private static Advice StaysBehind(string file) =>
        new("name-not-utf8", $"{file} stays behind: its name is no UTF-8, and this program cannot open it");
}
