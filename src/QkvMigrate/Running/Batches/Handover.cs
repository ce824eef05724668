using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// Gives results to the unit whose they are now. What came along from a folder without a checkpoint is of the unit above; when the
/// folder gets a checkpoint of its own it is that one's, and it is of the unit above again when the folder loses its last. Each
/// result so stands in the entry of one unit, which alone may replace or remove it.
/// </summary>
/// <param name="account">The account of the output.</param>
/// <param name="units">All units that the source has, selected or not.</param>
internal sealed class Handover(OutputAccount account, IEnumerable<CheckpointUnit> units)
{
    private const string Turn = "handover";

    private readonly Dictionary<string, CheckpointUnit> units = units.ToDictionary(unit => unit.RelativePath, StringComparer.Ordinal);
    private readonly Dictionary<string, ManifestEntry> changed = new(StringComparer.Ordinal);

    /// <summary>What is known of a unit, as it would be after the handover: for dry runs, which write nothing.</summary>
    public ManifestEntry? EntryOf(string unit) => changed.TryGetValue(unit, out var entry) ? entry : account.Entries.Read(unit);

    /// <summary>Finds what is to be handed over, and writes nothing.</summary>
    /// <param name="vanished">The units of the account that the source no longer has.</param>
    public void Foresee(IEnumerable<string> vanished)
    {
        foreach (var (from, to) in Pairs(vanished))
        {
            HandOver(from, to);
        }
    }

    /// <summary>
    /// Hands over, in the turns of both units. Where another run has the turn of one, nothing changes hands: neither unit touches
    /// what is not in its entry, or not in its folders.
    /// </summary>
    /// <param name="vanished">The units of the account that the source no longer has.</param>
    /// <exception cref="MigrationException">An entry cannot be read or written.</exception>
    public void Run(IReadOnlyList<string> vanished)
    {
        if (!Pairs(vanished).Any())
        {
            return;
        }

        // Parts that begin at once wait for each other, so that none of them finds a turn taken that another has for a moment.
        using var all = account.WaitForTurn(Turn);
        foreach (var (from, to) in Pairs(vanished).ToList())
        {
            if (account.TryTakeTurn(from) is not { } givers)
            {
                continue;
            }

            using (givers)
            using (var takers = account.TryTakeTurn(to))
            {
                if (takers is not null)
                {
                    changed.Clear();
                    HandOver(from, to);
                    Write(to);
                    Write(from);
                }
            }
        }
    }

    private void Write(string unit)
    {
        if (changed.TryGetValue(unit, out var entry))
        {
            account.Entries.Write(entry);
        }
    }

    /// <summary>The units that have results of others, each with one of the others.</summary>
    private IEnumerable<(string From, string To)> Pairs(IEnumerable<string> vanished) =>
        from giver in vanished.Concat(units.Values.Where(unit => unit.UnitsBelow.Count > 0).Select(unit => unit.RelativePath))
        from taker in (account.Entries.ReadUsable(giver)?.Known() ?? []).Select(file => TakerOf(giver, file)).OfType<string>().Distinct(StringComparer.Ordinal)
        select (giver, taker);

    private void HandOver(string from, string to)
    {
        var isUnreadable = account.Entries.Has(to) && account.Entries.ReadUsable(to) is null;
        if (isUnreadable
            || EntryOf(from) is not { } giver
            || giver.Known().Where(file => TakerOf(from, file) == to).Distinct().ToList() is not { Count: > 0 } files)
        {
            return;
        }

        var moved = files.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        var renamed = files.ConvertAll(file => file with { Path = Within(to, Path.Combine(from, file.Path)) });
        changed[to] = Taken(EntryOf(to) ?? giver with { Path = to, State = ManifestState.Finished, Source = [], Result = [], Replaced = null }, renamed);
        changed[from] = giver with
        {
            Source = [.. giver.Source.Where(stamp => stamp.Header is not null || !moved.Contains(stamp.Path))],
            Result = [.. giver.Result.Where(file => !moved.Contains(file.Path))],
            Replaced = giver.Replaced?.Where(file => !moved.Contains(file.Path)).ToList() is { Count: > 0 } left ? left : null,
        };
    }

    private static ManifestEntry Taken(ManifestEntry taker, IEnumerable<ResultFile> files)
    {
        var replaced = (taker.Replaced ?? []).Concat(files.Except(taker.Known())).ToList();
        return taker with { Replaced = replaced.Count > 0 ? replaced : null };
    }

    /// <summary>The unit whose a result is now; null where it is its unit's still, and where no unit takes it along.</summary>
    private string? TakerOf(string giver, ResultFile file)
    {
        if (file.Source is not null)
        {
            return null;
        }

        var path = Path.Combine(giver, file.Path);
        var owner = WrittenFolders.AndAbove(Path.GetDirectoryName(path)!).FirstOrDefault(units.ContainsKey);
        return owner is null || owner == giver || !(units.ContainsKey(giver) || TakesAlong(units[owner], path)) ? null : owner;
    }

    private static bool TakesAlong(CheckpointUnit unit, string path) =>
        unit.OtherFiles.Concat(unit.Links.Select(link => link.Path))
            .Contains(Within(unit.RelativePath, path), StringComparer.Ordinal);

    /// <summary>The path in a unit's directory of what has <paramref name="path"/> below the tree.</summary>
    private static string Within(string unit, string path) => unit.Length == 0 ? path : path[(unit.Length + 1)..];
}
