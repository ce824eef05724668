namespace QkvMigrate.Running.Batches;

/// <summary>
/// The record of how a tree that is worked on in place was dealt to parts. It keeps the sizes as they were first seen, because
/// the work of the parts changes them. It stays in the tree until all parts have done their work.
/// </summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Count">The number of parts.</param>
/// <param name="Ended">The parts that have run to their end, in order.</param>
/// <param name="Units">The units, in the order of their paths.</param>
internal sealed record PartsRecord(int SchemaVersion, int Count, IReadOnlyList<int> Ended, IReadOnlyList<PartUnit> Units) : IRecordDocument
{
    /// <inheritdoc/>
    public string? Problem() =>
        Count < 1 || !Ended.All(IsPart) ? "no part where one is expected"
        : Units.Any(unit => unit is null || !RecordedPath.IsBelow(unit.Path) || unit.Bytes < 0 || !IsPart(unit.Part))
            ? "a unit without a path below the tree, with a negative size, or of no part"
        : Units.Select(unit => unit.Path).Distinct(StringComparer.Ordinal).Count() < Units.Count ? "a unit that is named twice"
        : null;

    private bool IsPart(int number) => number >= 1 && number <= Count;
}

/// <summary>One unit.</summary>
/// <param name="Path">Its path below the tree.</param>
/// <param name="Bytes">Bytes of its files when it was first seen.</param>
/// <param name="Part">The part that does it.</param>
/// <param name="IsDone">Whether that part has done it.</param>
internal sealed record PartUnit(string Path, long Bytes, int Part, bool IsDone);
