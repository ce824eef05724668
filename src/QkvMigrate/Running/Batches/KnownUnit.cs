using QkvMigrate.Files;

namespace QkvMigrate.Running.Batches;

/// <summary>What the records of an output say of one unit, held against what is there.</summary>
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
        var records = LastRecords();
        var made = Made();
        var names = (Asked?.Checkpoints ?? records.Keys.AsEnumerable()).Union(made.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (names.Count == 0)
        {
            return [new CheckpointReport { Path = Name, Status = CheckpointStatus.Pending, SourceBytes = Asked?.Bytes ?? 0 }];
        }

        var hasError = records.Values.Any(record => record.Error is not null);
        var companions = CompanionProblem();
        return names.Select((name, i) =>
        {
            var record = records.GetValueOrDefault(name);
            return made.TryGetValue(name, out var file)
                ? ReportOf(name, file, record?.ToReport(), i == 0 ? companions : null)
                : ReportWithoutResult(name, record, hasError);
        });
    }

    /// <summary>What became of each checkpoint last, by its name.</summary>
    private Dictionary<string, CheckpointRecord> LastRecords() => (Last?.Checkpoints ?? [])
        .GroupBy(checkpoint => System.IO.Path.GetFileName(checkpoint.Path), StringComparer.Ordinal)
        .ToDictionary(same => same.Key, same => same.First(), StringComparer.Ordinal);

    /// <summary>What was made of each checkpoint, by its name: the first file where there are several.</summary>
    private Dictionary<string, MadeFile> Made()
    {
        var made = new Dictionary<string, MadeFile>(StringComparer.Ordinal);
        if (Entry is { } entry)
        {
            foreach (var file in entry.Results())
            {
                if (file.Source is { } checkpoint)
                {
                    made.TryAdd(checkpoint, new MadeFile(entry, file));
                }
            }
        }

        return made;
    }

    /// <summary>The report of a checkpoint that has a result.</summary>
    private CheckpointReport ReportOf(string name, MadeFile made, CheckpointReport? last, MigrationException? companions)
    {
        var stamp = made.Entry.Checkpoints().FirstOrDefault(stamp => stamp.Path == name);
        var report = last is null || OrphanedResult.IsToldBy(last.Error) ? ReportOf(name, made, stamp) : last;
        if (report.Error is not null)
        {
            return report;
        }

        if (made.Entry.State == ManifestState.Writing)
        {
            return Interrupted(report);
        }

        if (Source is { } source && !StandingResults.IsThere(System.IO.Path.Combine(source, name)))
        {
            var orphan = OrphanedResult.Failure(System.IO.Path.Combine(Output, made.File.Path));
            return report with { Status = CheckpointStatus.Refused, Error = orphan };
        }

        if (Problem(made.File) is { } problem)
        {
            return Pending(report, problem);
        }

        if (HasChanged(stamp))
        {
            return Pending(report, "the checkpoint has changed since its result was made; run it again");
        }

        return companions is null ? report : Pending(report, companions);
    }

    /// <summary>The report that a result speaks for, where no run has written one.</summary>
    private CheckpointReport ReportOf(string name, MadeFile made, SourceStamp? stamp) => new()
    {
        Path = System.IO.Path.Combine(Name, name),
        Status = made.Entry.Options.AreOfExport() ? CheckpointStatus.Exported : StageReports.StatusAfter(made.Entry.Options.Conversion),
        Output = System.IO.Path.Combine(Output, made.File.Path),
        SourceBytes = stamp?.Bytes ?? 0,
        OutputBytes = made.File.Bytes,
        OutputSha256 = made.File.Sha256,
    };

    /// <summary>The report of a checkpoint of which the entry has no result.</summary>
    private CheckpointReport ReportWithoutResult(string name, CheckpointRecord? record, bool hasError)
    {
        var report = record?.ToReport()
            ?? new CheckpointReport
            {
                Path = System.IO.Path.Combine(Name, name),
                Status = CheckpointStatus.Pending,
                SourceBytes = SourceBytes(name),
            };
        if (report.Error is not null)
        {
            return report;
        }

        if (Entry is { State: ManifestState.Writing })
        {
            return Interrupted(report);
        }

        if (SaysThatAResultWasMade(report.Status, hasError))
        {
            return Pending(report, "this is no longer in the account; run it again");
        }

        return report.Status == CheckpointStatus.Unchanged && HasChanged(record?.Stamp(name))
            ? Pending(report, "the checkpoint has changed since there was nothing to do; run it again")
            : report;
    }

    /// <summary>Bytes of a checkpoint when the unit was worked on last.</summary>
    private long SourceBytes(string name) => Entry?.Checkpoints().FirstOrDefault(stamp => stamp.Path == name)?.Bytes ?? 0;

    /// <summary>A checkpoint is skipped because it is finished. Of a directory that is exported, what is skipped may be no model.</summary>
    private bool SaysThatAResultWasMade(CheckpointStatus status, bool hasError) => status switch
    {
        CheckpointStatus.Upgraded or CheckpointStatus.Downgraded or CheckpointStatus.Exported => true,
        CheckpointStatus.Skipped => !hasError && Entry?.Options.AreOfExport() != true,
        _ => false,
    };

    /// <summary>Whether a file of the source is not what it was; false where the source cannot be seen from here.</summary>
    private bool HasChanged(SourceStamp? stamp) => Source is { } source && stamp?.LooksSameIn(source) == false;

    private static CheckpointReport Interrupted(CheckpointReport report) => Pending(report, "a run was ended while it wrote this; run it again");

    private static CheckpointReport Pending(CheckpointReport report, string problem) => Pending(report, Conflict(problem, report.Path));

    private static CheckpointReport Pending(CheckpointReport report, MigrationException problem) =>
        report with { Status = CheckpointStatus.Pending, Error = problem };

    private static MigrationException Conflict(string problem, string path) => new(FailureKind.Conflict, problem, path);

    /// <summary>What is wrong with the files that came along, or null.</summary>
    private MigrationException? CompanionProblem()
    {
        if (Entry is not { State: ManifestState.Finished } entry)
        {
            return null;
        }

        var companions = entry.Results().Where(file => file.Source is null);
        return companions.Select(Problem).FirstOrDefault(problem => problem is not null)
            ?? (Source is { } source ? SourceProblem(entry, source) : null);
    }

    /// <summary>What has changed in the source of the files that came along, or null.</summary>
    private static MigrationException? SourceProblem(ManifestEntry entry, string source)
    {
        var link = entry.Results().FirstOrDefault(file => file.Link is not null && LinkAt(System.IO.Path.Combine(source, file.Path)) != file.Link);
        var file = entry.Source.FirstOrDefault(stamp => stamp.Header is null && !stamp.LooksSameIn(source));
        return (link?.Path ?? file?.Path) is { } changed
            ? Conflict("this has changed since the result was made, or is gone; run it again", System.IO.Path.Combine(source, changed))
            : null;
    }

    private static string? LinkAt(string path) => FileIdentity.OfLink(path) is { IsLink: true } ? new FileInfo(path).LinkTarget : null;

    /// <summary>How a file of the result differs from what was written, or null.</summary>
    private MigrationException? Problem(ResultFile file)
    {
        var path = System.IO.Path.Combine(Output, file.Path);
        if (file.Link is { } text)
        {
            return LinkAt(path) == text ? null : Conflict($"the link to {text} is gone, or another; a run makes it again", path);
        }

        return FileIdentity.Of(path) switch
        {
            null => Conflict("the result is gone; a run makes it again", path),
            { Special: { } special } => Conflict($"the result is {special} now", path),
            { } found when found.Size != file.Bytes => Conflict($"the result has {found.Size} bytes, and had {file.Bytes} when it was made", path),
            _ => null,
        };
    }

    /// <summary>A file of the result, and the entry that has it.</summary>
    private readonly record struct MadeFile(ManifestEntry Entry, ResultFile File);
}
