namespace QkvMigrate.Migration.Batches;

/// <summary>Joins what all runs and shards wrote down in one output.</summary>
public static class BatchReport
{
    /// <summary>
    /// For each checkpoint what last became of it, in the order of the units' paths. What a killed run has finished is
    /// known from the manifest; a unit of which nothing is known is <see cref="CheckpointStatus.Pending"/>.
    /// </summary>
    /// <param name="output">The output of a tree.</param>
    /// <exception cref="MigrationException">No batch wrote there, or its record cannot be read.</exception>
    public static IReadOnlyList<CheckpointReport> Read(string output)
    {
        var record = new OutputRecord(output);
        var tree = record.ReadTree();
        var bytes = tree.Units.ToDictionary(unit => unit.Path, unit => unit.Bytes, StringComparer.Ordinal);
        var reports = record.ReadReports().ToDictionary(report => report.Path, StringComparer.Ordinal);
        return
        [
            .. bytes.Keys.Union(reports.Keys)
                .Order(StringComparer.Ordinal)
                .SelectMany(unit => reports.TryGetValue(unit, out var report)
                    ? report.Checkpoints.Select(checkpoint => checkpoint.ToReport())
                    : OfManifest(record, tree.Source, unit, bytes[unit], output)),
        ];
    }

    private static IEnumerable<CheckpointReport> OfManifest(OutputRecord record, string root, string unit, long bytes, string output)
    {
        var source = Path.TrimEndingDirectorySeparator(Path.Combine(root, unit));
        if (record.ReadEntry(unit) is not { State: ManifestState.Finished } entry)
        {
            return [new CheckpointReport { Path = source, Status = CheckpointStatus.Pending, SourceBytes = bytes }];
        }

        return entry.Checkpoints().Select(stamp =>
        {
            var written = entry.ResultOf(stamp)!;
            return new CheckpointReport
            {
                Path = Path.Combine(source, stamp.Path),
                Status = CheckpointWriting.Done(entry.Options.Direction),
                Output = Path.Combine(output, unit, written.Path),
                SourceBytes = stamp.Bytes,
                OutputBytes = written.Bytes,
                OutputSha256 = written.Sha256,
            };
        });
    }
}
