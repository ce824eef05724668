namespace QkvMigrate.Migration.Batches;

/// <summary>The units that a batch found and was asked for, before they were dealt to shards: the same in each shard.</summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Source">The tree, as the user named it.</param>
/// <param name="Units">The units, in the order of their paths.</param>
internal sealed record TreeRecord(int SchemaVersion, string Source, IReadOnlyList<TreeUnit> Units) : IRecordDocument
{
    /// <inheritdoc/>
    public string? Problem() =>
        !RecordedPath.IsOne(Source) ? "no path to a source"
        : Units.Any(unit => unit is null || !RecordedPath.IsBelow(unit.Path) || unit.Bytes < 0) ? "a unit without a path below the tree, or of fewer bytes than none"
        : Units.Select(unit => unit.Path).Distinct(StringComparer.Ordinal).Count() < Units.Count ? "a unit that is named twice"
        : null;
}

/// <summary>One unit.</summary>
/// <param name="Path">Its path below the tree; empty for the tree's own directory.</param>
/// <param name="Bytes">Bytes of its files.</param>
internal sealed record TreeUnit(string Path, long Bytes);
