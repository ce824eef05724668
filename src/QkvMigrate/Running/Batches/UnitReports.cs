using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// The reports of a unit as the account keeps them, beside those of the checkpoints that this run leaves out. The disk has their names when the whole
/// account ends: until then a power cut may take them back, and the next run makes them again.
/// </summary>
/// <param name="account">The account.</param>
/// <param name="unit">The unit, of which this run has the turn.</param>
internal sealed class UnitReports(OutputAccount account, CheckpointUnit unit)
{
    /// <summary>The reports of an earlier run.</summary>
    public IEnumerable<CheckpointRecord> Known => account.Reports.Read(unit.RelativePath)?.Checkpoints ?? [];

    /// <summary>A report with the digest that one of <paramref name="files"/> has.</summary>
    public static CheckpointReport WithDigest(CheckpointReport report, IReadOnlyList<ResultFile> files) =>
        report.Output is { } path && files.FirstOrDefault(file => file.Path == Path.GetFileName(path)) is { } written
            ? report with { OutputSha256 = written.Sha256, OutputBytes = written.Bytes }
            : report;

    /// <summary>A report that says what was taken away because the source no longer makes it.</summary>
    public static CheckpointReport WithRemovals(CheckpointReport report, IReadOnlyList<string> removed)
    {
        if (removed.Count == 0)
        {
            return report;
        }

        var message = $"the source no longer makes what an earlier run wrote, so it was removed: {string.Join(", ", removed)}";
        return report with { Advice = [.. report.Advice, new Advice("result-removed", message)] };
    }

    /// <summary>Writes reports down.</summary>
    /// <exception cref="MigrationException">The account cannot be written.</exception>
    public void Write(IReadOnlyList<CheckpointReport> reports)
    {
        using var file = Begin(reports);
        file.CommitName();
    }

    /// <summary>Begins to write reports down, under a temporary name.</summary>
    /// <exception cref="MigrationException">The account cannot be written.</exception>
    public DurableFile Begin(IReadOnlyList<CheckpointReport> reports)
    {
        var leftOut = unit.LeftOut.ToHashSet(StringComparer.Ordinal);
        var others = leftOut.Count == 0 ? [] : Known.Where(checkpoint => leftOut.Contains(Path.GetFileName(checkpoint.Path)));
        var own = UnitReportRecord.Of(unit.RelativePath, reports);
        return account.Reports.Begin(
            own with { Checkpoints = [.. own.Checkpoints.Concat(others).OrderBy(checkpoint => checkpoint.Path, StringComparer.Ordinal)] });
    }
}
