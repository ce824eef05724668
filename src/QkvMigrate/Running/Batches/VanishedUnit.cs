using QkvMigrate.Folders;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>A unit of an output's account that the source no longer has.</summary>
/// <param name="account">The account.</param>
/// <param name="root">The output of the tree.</param>
/// <param name="unit">The unit's path below it.</param>
/// <param name="request">What the user asks.</param>
internal sealed class VanishedUnit(OutputAccount account, string root, string unit, MigrationRequest request)
{
    private readonly string output = Path.TrimEndingDirectorySeparator(Path.Combine(root, unit));

    /// <summary>Removes what belongs to nobody any more, and reports the results that stay: each may be the last that there is of its checkpoint.</summary>
    /// <param name="selection">Which checkpoints are reported.</param>
    /// <param name="cancellation">Ends the work.</param>
    public IReadOnlyList<CheckpointReport> Run(CheckpointSelection selection, CancellationToken cancellation)
    {
        try
        {
            using var turn = account.TakeTurn(unit, output);
            TargetLock.SweepLeftovers(output);
            var entry = account.Entries.Read(unit);
            var orphans = entry is null ? [] : Orphans(entry);
            if (entry is not null && orphans.Count == 0)
            {
                RemoveCompanions(entry, cancellation);
            }

            if (orphans.Count == 0 || request.Force)
            {
                account.Forget(unit);
            }

            var selected = selection.Of(orphans.Select(orphan => Path.Combine(unit, orphan.Checkpoint)));
            return [.. orphans.Where(orphan => selected.Contains(Path.Combine(unit, orphan.Checkpoint))).Select(Report)];
        }
        catch (MigrationException error)
        {
            return [CheckpointReport.Of(Path.Combine(request.Path, unit), error)];
        }
    }

    /// <summary>The results that are there, each once.</summary>
    private List<OrphanedResult> Orphans(ManifestEntry entry)
    {
        var orphans = new Dictionary<string, OrphanedResult>(StringComparer.Ordinal);
        foreach (var file in entry.Known())
        {
            if (file.Source is { } checkpoint && Path.Exists(Path.Combine(root, unit, file.Path)))
            {
                orphans.TryAdd(file.Path, new OrphanedResult(checkpoint, file.Path));
            }
        }

        return [.. orphans.Values];
    }

    private CheckpointReport Report(OrphanedResult orphan) =>
        orphan.Report(Path.Combine(request.Path, unit), Path.Combine(root, unit), isLetGo: request.Force);

    /// <summary>Removes what came along with checkpoints of which nothing is left, where it is as it was written and no unit above has it now.</summary>
    private void RemoveCompanions(ManifestEntry entry, CancellationToken cancellation)
    {
        var gone = new CheckpointUnit(Path.Combine(request.Path, unit), unit, [], []);
        var standing = new StandingResults(entry, gone, output, cancellation);
        var others = FilesOfUnitsAbove();
        foreach (var file in standing.StaleBeside([]).Where(file => standing.IsAsWritten(file) && !others.Contains(Path.Combine(unit, file))))
        {
            account.Checksums.Withdraw();
            standing.Remove(file);
        }
    }

    private HashSet<string> FilesOfUnitsAbove() =>
        WrittenFolders.AndAbove(unit)
            .Skip(1)
            .SelectMany(above => account.Entries.Read(above)?.Known().Select(file => Path.Combine(above, file.Path)) ?? [])
            .ToHashSet(StringComparer.Ordinal);
}
