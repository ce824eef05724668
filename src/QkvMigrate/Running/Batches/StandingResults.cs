using QkvMigrate.Files;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>The results of a unit that are still in its output, of those that the account names.</summary>
internal sealed class StandingResults
{
    private readonly CheckpointUnit unit;
    private readonly string output;
    private readonly CancellationToken cancellation;
    private readonly Dictionary<string, List<ResultFile>> known;
    private readonly Dictionary<string, ResultFile?> asWritten = new(StringComparer.Ordinal);
    private readonly HashSet<string> leftOut;

    /// <summary>Looks at the files of <paramref name="entry"/>.</summary>
    public StandingResults(ManifestEntry? entry, CheckpointUnit unit, string output, CancellationToken cancellation)
    {
        this.unit = unit;
        this.output = output;
        this.cancellation = cancellation;
        leftOut = unit.LeftOut.ToHashSet(StringComparer.Ordinal);
        known = (entry?.Known() ?? [])
            .GroupBy(file => file.Path, StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => same.Distinct().ToList(), StringComparer.Ordinal);
    }

    /// <summary>The results that are there and whose checkpoint is gone from the source.</summary>
    public IReadOnlyList<OrphanedResult> Orphans =>
    [
        .. known.Values
            .Select(states => states[0])
            .Where(file => file.Source is { } checkpoint && !HasSource(checkpoint) && !IsGone(file.Path))
            .Select(file => new OrphanedResult(file.Source!, file.Path)),
    ];

    /// <summary>Where a result is.</summary>
    public string PathOf(string file) => Path.Combine(output, file);

    /// <summary>Whether this tool has written a file of this name.</summary>
    public bool IsKnown(string file) => known.ContainsKey(file);

    /// <summary>Whether nothing is there.</summary>
    public bool IsGone(string file) => FileIdentity.OfLink(PathOf(file)) is null;

    /// <summary>
    /// Whether a checkpoint's file is in the source; a folder of its name is none, nor is a link to what is not there, as
    /// git-annex leaves one.
    /// </summary>
    public bool HasSource(string checkpoint) => IsThere(Path.Combine(unit.Root, checkpoint));

    /// <summary>Whether a file is at <paramref name="path"/>, or behind the link there.</summary>
    public static bool IsThere(string path) => FileIdentity.Of(path) is { IsDirectory: false };

    /// <summary>Whether the result of a checkpoint that is gone from the source is there.</summary>
    public bool IsOrphan(string file) =>
        known.TryGetValue(file, out var states) && states[0].Source is { } checkpoint && !HasSource(checkpoint) && !IsGone(file);

    /// <summary>Whether a run leaves out the checkpoint that a result was made from, or to which a link leads.</summary>
    public bool IsLeftOut(ResultFile file) => (file.Source ?? file.Target()) is { } checkpoint && leftOut.Contains(checkpoint);

    /// <summary>Whether a file of the size is there, or the link.</summary>
    public bool HasSize(ResultFile file) =>
        file.Link is { } text ? HasLink(file.Path, text) : FileIdentity.Of(PathOf(file.Path)) is { Special: null } found && found.Size == file.Bytes;

    /// <summary>Whether a link is there that says <paramref name="text"/>.</summary>
    public bool HasLink(string file, string text) => FileIdentity.OfLink(PathOf(file)) is { IsLink: true } && new FileInfo(PathOf(file)).LinkTarget == text;

    /// <summary>Whether what is there is what this tool wrote, byte for byte. Reads it once.</summary>
    public bool IsAsWritten(string file) => AsWritten(file) is not null;

    /// <summary>
    /// The results that are there, in folders that are those of units below now. They are left alone: another job may be at work
    /// on them. <see cref="Handover"/> gives them to those units.
    /// </summary>
    public IReadOnlyList<ResultFile> OfUnitsBelow() =>
        [.. known.Where(file => !unit.Owns(file.Key) && !IsGone(file.Key)).SelectMany(file => file.Value).OrderBy(file => file.Path, StringComparer.Ordinal)];

    /// <summary>The results that are there and are neither among <paramref name="results"/> nor to be kept.</summary>
    public IReadOnlyList<string> StaleBeside(IEnumerable<string> results)
    {
        var made = results.ToHashSet(StringComparer.Ordinal);
        var kept = KeptBeside(made).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        return [.. known.Keys.Where(file => unit.Owns(file) && !made.Contains(file) && !kept.Contains(file) && !IsGone(file)).Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// The results that stay beside <paramref name="results"/>: those of checkpoints that the run leaves out, and those whose
    /// checkpoint is gone, because they may be the last that there is of it. Where nothing new is made, what came along with these
    /// stays too.
    /// </summary>
    public IReadOnlyList<ResultFile> KeptBeside(IEnumerable<string> results)
    {
        var made = results.ToHashSet(StringComparer.Ordinal);
        var others = known.Where(file => unit.Owns(file.Key) && !made.Contains(file.Key) && !IsGone(file.Key)).Select(file => file.Value).ToList();
        var checkpoints = others.Where(states => IsLeftOut(states[0]) || (states[0].Source is { } checkpoint && !HasSource(checkpoint))).ToList();
        var companions = made.Count == 0 && checkpoints.Count > 0 ? others.Where(states => states[0].Source is null) : [];
        return [.. checkpoints.Concat(companions).Select(states => states.Count == 1 ? states[0] : AsWritten(states[0].Path) ?? states[0])];
    }

    /// <summary>Removes what a killed run has left of the output.</summary>
    public void SweepLeftovers() => TargetLock.SweepLeftovers(output);

    /// <summary>Removes a result, and folders that it leaves empty.</summary>
    public void Remove(string file) => IoFailure.Naming(PathOf(file), () =>
    {
        File.Delete(PathOf(file));
        var folder = Path.GetDirectoryName(PathOf(file))!;
        while (!IsAboveUnits(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
            folder = Path.GetDirectoryName(folder)!;
        }
    });

    /// <summary>Whether a unit below is written in a folder, perhaps by another job just now.</summary>
    private bool IsAboveUnits(string folder) =>
        unit.UnitsBelow.Any(below => $"{PathOf(below)}{Path.DirectorySeparatorChar}".StartsWith($"{folder}{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private ResultFile? AsWritten(string file)
    {
        if (!asWritten.TryGetValue(file, out var state))
        {
            var likely = known.GetValueOrDefault(file)?.Where(HasSize).ToList() ?? [];
            var digest = likely.Exists(known => known.Link is null) ? FileDigest.Whole(PathOf(file), cancellation) : null;
            state = likely.Find(known => known.Link is not null || known.Sha256 == digest);
            asWritten.Add(file, state);
        }

        return state;
    }
}
