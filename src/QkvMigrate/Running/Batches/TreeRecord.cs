using System.Text.Json.Serialization;
using QkvMigrate.Layouts;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// What an output holds, as a whole: results of one source, made in one direction, and of which units. Each run adds the
/// units that it found and was asked for, before they are dealt to parts; none removes those of another.
/// </summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Source">The tree, as the user named it last.</param>
/// <param name="Units">The units, in the order of their paths.</param>
/// <param name="Root">Which directory the tree is; null in the form's first version.</param>
/// <param name="Conversion">What the runs make of it; null in the form's first version.</param>
/// <param name="IsExport">Whether they make models of Hugging Face's of it.</param>
internal sealed record TreeRecord(
    int SchemaVersion,
    string Source,
    IReadOnlyList<TreeUnit> Units,
    SourceRoot? Root = null,
    [property: JsonPropertyName("direction")] Conversion? Conversion = null,
    bool IsExport = false) : IRecordDocument
{
    /// <inheritdoc/>
    public string? Problem() =>
        !RecordedPath.IsOne(Source) || Root?.IsSound() == false ? "no path to a source"
        : Units.Any(unit => unit is null || !RecordedPath.IsBelow(unit.Path) || unit.Bytes < 0)
            ? "a unit without a path below the tree, or with a negative size"
        : Units.Select(unit => unit.Path).Distinct(StringComparer.Ordinal).Count() < Units.Count ? "a unit that is named twice"
        : Units.SelectMany(unit => unit.Checkpoints ?? []).Any(name => !RecordedPath.IsName(name)) ? "a checkpoint without a name"
        : null;
}

/// <summary>One unit.</summary>
/// <param name="Path">Its path below the tree; empty for the tree's own directory.</param>
/// <param name="Bytes">Bytes of its files.</param>
/// <param name="Checkpoints">The names of the checkpoints in it that runs were asked for; null in the form's first version.</param>
internal sealed record TreeUnit(string Path, long Bytes, IReadOnlyList<string>? Checkpoints = null);
