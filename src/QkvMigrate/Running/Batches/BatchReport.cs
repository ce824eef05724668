namespace QkvMigrate.Running.Batches;

/// <summary>Joins the records that all runs and parts left in one output, and holds them against what is there.</summary>
public static class BatchReport
{
    /// <summary>
    /// The last report of each checkpoint, in the order of the units' paths. The manifest tells what a killed run has finished.
    /// A checkpoint is <see cref="CheckpointStatus.Pending"/> where no record tells of it, or where the account is not true (any
    /// more): its result is gone or has another size, or its source has changed, where the source can be seen from here.
    /// </summary>
    /// <param name="output">The output of a tree.</param>
    /// <exception cref="MigrationException">No batch wrote there, or its record cannot be read.</exception>
    public static IReadOnlyList<CheckpointReport> Read(string output)
    {
        var account = new OutputAccount(output);
        var tree = account.ReadTree();
        var units = tree.Units.ToDictionary(unit => unit.Path, StringComparer.Ordinal);
        var reports = account.Reports.ReadAll().ToDictionary(report => report.Path, StringComparer.Ordinal);
        var entries = account.Entries.ReadAll().ToDictionary(entry => entry.Path, StringComparer.Ordinal);
        var source = tree.Root is { } root && SourceRoot.Of(root.Path) is { } found && found.IsSameDirectoryAs(root) ? root.Path : null;
        return
        [
            .. units.Keys.Union(entries.Keys).Order(StringComparer.Ordinal).SelectMany(path => new KnownUnit
            {
                Path = path,
                Name = Path.TrimEndingDirectorySeparator(Path.Combine(tree.Source, path)),
                Output = Path.Combine(output, path),
                Source = source is null ? null : Path.Combine(source, path),
                Asked = units.GetValueOrDefault(path),
                Entry = entries.GetValueOrDefault(path),
                Last = reports.GetValueOrDefault(path),
            }.Reports()),
        ];
    }
}
