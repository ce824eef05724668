using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>A unit whose result is there, made by an earlier run from the same source with the same options.</summary>
internal sealed class FinishedUnit
{
    private readonly OutputAccount account;
    private readonly CheckpointUnit unit;
    private readonly MigrationRequest request;
    private readonly ManifestEntry entry;
    private readonly StandingResults standing;

    private FinishedUnit(OutputAccount account, CheckpointUnit unit, MigrationRequest request, ManifestEntry entry, StandingResults standing)
    {
        this.account = account;
        this.unit = unit;
        this.request = request;
        this.entry = entry;
        this.standing = standing;
    }

    /// <summary>The unit, where it is finished; null where it is not. What a narrower run leaves out is not asked for.</summary>
    /// <param name="account">The account.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="before">What earlier runs made of it.</param>
    /// <param name="wanted">What this run would make it from, and how.</param>
    /// <param name="standing">What stands of the earlier results.</param>
    public static FinishedUnit? Find(
        OutputAccount account,
        CheckpointUnit unit,
        MigrationRequest request,
        ManifestEntry? before,
        ManifestEntry wanted,
        StandingResults standing)
    {
        if (before is not { State: ManifestState.Finished, Replaced: null } || !before.Options.Satisfies(wanted.Options))
        {
            return null;
        }

        var finished = new FinishedUnit(account, unit, request, before, standing);
        return finished.HasSource(wanted.Source) && finished.HasLinks() && before.Results().All(finished.IsRight) ? finished : null;
    }

    /// <summary>The reports of its checkpoints.</summary>
    public IEnumerable<CheckpointReport> Reports() =>
        from name in unit.Checkpoints
        let stamp = entry.Source.First(stamp => stamp.Path == name)
        select UnitReports.WithDigest(
            new CheckpointReport
            {
                Path = Path.Combine(unit.Root, name),
                Status = CheckpointStatus.Skipped,
                Output = entry.ResultName(stamp) is { } result ? standing.PathOf(result) : null,
                SourceBytes = stamp.Bytes,
                Advice = [new Advice("finished-before", "an earlier run made this from the same source with the same options; --force does it again")],
            },
            entry.Result);

    /// <summary>Removes what a killed run has left, and takes results out of the account that the user removed and whose checkpoint is gone.</summary>
    public void Tidy()
    {
        account.SweepLeftovers(unit.RelativePath);
        standing.SweepLeftovers();
        var lost = entry.Results().Where(IsLost).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        if (lost.Count == 0)
        {
            return;
        }

        var gone = entry.Checkpoints().Where(stamp => entry.ResultName(stamp) is { } result && lost.Contains(result)).ToHashSet();
        account.Entries.Write(entry with
        {
            SchemaVersion = RecordDocument.SchemaVersion,
            Source = [.. entry.Source.Where(stamp => !gone.Contains(stamp))],
            Result = [.. entry.Results().Where(file => !lost.Contains(file.Path))],
        });
    }

    /// <summary>Whether it was made from all that it would be made from now; besides that, only from what this run leaves out or what is gone.</summary>
    private bool HasSource(IReadOnlyList<SourceStamp> source)
    {
        var known = entry.Source.ToHashSet();
        var wanted = source.ToHashSet();
        var leftOut = unit.LeftOut.ToHashSet(StringComparer.Ordinal);
        return known.IsSupersetOf(wanted)
            && known.All(stamp => wanted.Contains(stamp) || leftOut.Contains(stamp.Path) || (stamp.Header is not null && !standing.HasSource(stamp.Path)));
    }

    /// <summary>Whether the source has the links that came along, and no others.</summary>
    private bool HasLinks()
    {
        var known = entry.Results().Where(file => file.Link is not null).ToList();
        var wanted = unit.LinksFor(request.IsMerge).Select(ResultFile.Of).ToHashSet();
        return wanted.IsSubsetOf(known) && known.TrueForAll(link => wanted.Contains(link) || standing.IsLeftOut(link));
    }

    private bool IsRight(ResultFile file) => standing.HasSize(file) || standing.IsLeftOut(file) || IsOfGoneCheckpoint(file);

    private bool IsLost(ResultFile file) => IsOfGoneCheckpoint(file) && standing.IsGone(file.Path);

    private bool IsOfGoneCheckpoint(ResultFile file) => file.Source is { } checkpoint && !standing.HasSource(checkpoint);
}
