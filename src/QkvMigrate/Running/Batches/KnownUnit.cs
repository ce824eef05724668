using QkvMigrate.Files;

namespace QkvMigrate.Running.Batches;

/// <summary>What is known of one unit, held against what is there.</summary>
internal sealed class KnownUnit
{
    /// <summary>The unit's path below the tree.</summary>
    public required string Path { get; init; }

    /// <summary>Its directory, as the user named the tree.</summary>
    public required string Name { get; init; }

    /// <summary>Its output.</summary>
    public required string Output { get; init; }

    /// <summary>Its directory, where the tree can be seen from here; null where not.</summary>
    public required string? Source { get; init; }

    /// <summary>What runs were asked for.</summary>
    public required TreeUnit? Asked { get; init; }

    /// <summary>What was made.</summary>
    public required ManifestEntry? Entry { get; init; }

    /// <summary>What became of it last.</summary>
    public required UnitReportRecord? Last { get; init; }

    /// <summary>A report for each checkpoint.</summary>
    public IEnumerable<CheckpointReport> Reports()
    {
        var last = (Last?.Checkpoints ?? []).GroupBy(checkpoint => System.IO.Path.GetFileName(checkpoint.Path), StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First().ToReport(), StringComparer.Ordinal);
        var results = (Entry?.Results() ?? []).Where(file => file.Source is not null).DistinctBy(file => file.Source).ToDictionary(file => file.Source!, StringComparer.Ordinal);
        var names = (Asked?.Checkpoints ?? last.Keys.AsEnumerable()).Union(results.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (names.Count == 0)
        {
            return [new CheckpointReport { Path = Name, Status = CheckpointStatus.Pending, SourceBytes = Asked?.Bytes ?? 0 }];
        }

        var hasError = last.Values.Any(report => report.Error is not null);
        var companions = Companions();
        var stamps = (Last?.Checkpoints ?? []).Where(checkpoint => checkpoint.Modified is not null).GroupBy(checkpoint => System.IO.Path.GetFileName(checkpoint.Path), StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => new SourceStamp(same.Key, same.First().SourceBytes, same.First().Modified!, null), StringComparer.Ordinal);
        return names.Select((name, i) => Report(name, last.GetValueOrDefault(name), results.GetValueOrDefault(name), hasError, i == 0 ? companions : null, stamps.GetValueOrDefault(name)));
    }

    private CheckpointReport Report(string name, CheckpointReport? last, ResultFile? result, bool hasError, MigrationException? companions, SourceStamp? seen)
    {
        var stamp = Entry?.Checkpoints().FirstOrDefault(stamp => stamp.Path == name);
        var isExport = Entry?.Options.AreOfExport() == true;

        // Of a directory that is exported, what is skipped may be no model.
        var isMade = last?.Status is CheckpointStatus.Upgraded or CheckpointStatus.Downgraded or CheckpointStatus.Exported || (last?.Status == CheckpointStatus.Skipped && !hasError && !isExport);
        if (last is null || (result is not null && OrphanedResult.IsToldBy(last.Error)))
        {
            last = new CheckpointReport
            {
                Path = System.IO.Path.Combine(Name, name),
                Status = result is null ? CheckpointStatus.Pending : isExport ? CheckpointStatus.Exported : CheckpointWriting.StatusAfter(Entry!.Options.Conversion),
                Output = result is null ? null : System.IO.Path.Combine(Output, result.Path),
                SourceBytes = stamp?.Bytes ?? 0,
                OutputBytes = result?.Bytes,
                OutputSha256 = result?.Sha256,
            };
        }

        return last.Error is not null ? last
            : Entry is { State: ManifestState.Writing } ? Pending(last, "a run was ended while it wrote this; run it again")
            : result is null && isMade ? Pending(last, "this is no longer in the account; run it again")
            : result is null ? (Source is not null && seen?.LooksSameIn(Source) == false && last.Status == CheckpointStatus.Unchanged ? Pending(last, "the checkpoint has changed since there was nothing to do; run it again") : last)
            : Source is not null && !StandingResults.IsThere(System.IO.Path.Combine(Source, name)) ? last with { Status = CheckpointStatus.Refused, Error = OrphanedResult.Failure(System.IO.Path.Combine(Output, result.Path)) }
            : Problem(result) is { } problem ? last with { Status = CheckpointStatus.Pending, Error = problem }
            : Source is not null && stamp?.LooksSameIn(Source) == false ? Pending(last, "the checkpoint has changed since its result was made; run it again")
            : companions is not null ? last with { Status = CheckpointStatus.Pending, Error = companions }
            : last;
    }

    private static CheckpointReport Pending(CheckpointReport report, string problem) =>
        report with { Status = CheckpointStatus.Pending, Error = new MigrationException(FailureKind.Conflict, problem, report.Path) };

    /// <summary>What is wrong with the files that came along, or null.</summary>
    private MigrationException? Companions()
    {
        if (Entry is not { State: ManifestState.Finished } entry)
        {
            return null;
        }

        var changed = Source is { } source ? entry.Source.FirstOrDefault(stamp => stamp.Header is null && !stamp.LooksSameIn(source)) : null;
        return entry.Results().Where(file => file.Source is null).Select(Problem).FirstOrDefault(problem => problem is not null)
            ?? (Source is null ? null : entry.Results().Where(file => file.Link is not null).Select(SourceProblem).FirstOrDefault(problem => problem is not null))
            ?? (changed is null ? null : new MigrationException(FailureKind.Conflict, "this has changed since the result was made, or is gone; run it again", System.IO.Path.Combine(Source!, changed.Path)));
    }

    private MigrationException? SourceProblem(ResultFile link)
    {
        var path = System.IO.Path.Combine(Source!, link.Path);
        return LinkAt(path) == link.Link ? null : new MigrationException(FailureKind.Conflict, "this has changed since the result was made, or is gone; run it again", path);
    }

    private static string? LinkAt(string path) => FileIdentity.OfLink(path) is { IsLink: true } ? new FileInfo(path).LinkTarget : null;

    private MigrationException? Problem(ResultFile file)
    {
        var path = System.IO.Path.Combine(Output, file.Path);
        if (file.Link is { } text)
        {
            return LinkAt(path) == text ? null
                : new MigrationException(FailureKind.Conflict, $"the link to {text} is gone, or another; a run makes it again", path);
        }

        return FileIdentity.Of(path) is not { } found ? new MigrationException(FailureKind.Conflict, "the result is gone; a run makes it again", path)
            : found.Special is { } special ? new MigrationException(FailureKind.Conflict, $"the result is {special} now", path)
            : found.Size != file.Bytes ? new MigrationException(FailureKind.Conflict, $"the result has {found.Size} bytes, and had {file.Bytes} when it was made", path)
            : null;
    }
}
