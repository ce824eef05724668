namespace QkvMigrate.Running.Batches;

/// <summary>Joins what all runs and shards wrote down in one output, and holds it against what is there.</summary>
public static class BatchReport
{
    /// <summary>
    /// For each checkpoint what last became of it, in the order of the units' paths. What a killed run has finished is
    /// known from the manifest. <see cref="CheckpointStatus.Pending"/> is what nothing is known of, and what is not, or no
    /// longer, as the account says: results that are gone or have other sizes, and sources that have changed since, where
    /// the source can be seen from here.
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
