namespace QkvMigrate.Running.Batches;

/// <summary>What last became of a unit, written down for <see cref="BatchReport"/>.</summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Path">The unit's path below the tree.</param>
/// <param name="Checkpoints">A report for each of its checkpoints.</param>
internal sealed record UnitReportRecord(int SchemaVersion, string Path, IReadOnlyList<CheckpointRecord> Checkpoints) : IUnitDocument
{
    /// <summary>The record of <paramref name="reports"/>.</summary>
    public static UnitReportRecord Of(string path, IReadOnlyList<CheckpointReport> reports) =>
        new(RecordDocument.SchemaVersion, path, [.. reports.Select(CheckpointRecord.Of)]);

    /// <inheritdoc/>
    public string? Problem() =>
        !RecordedPath.IsBelow(Path) ? "no path below the tree"
        : Checkpoints
            .Select(checkpoint => checkpoint is null ? "no checkpoint where one is expected" : checkpoint.Problem())
            .FirstOrDefault(problem => problem is not null);
}
