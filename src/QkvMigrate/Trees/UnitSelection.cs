using QkvMigrate.Folders;

namespace QkvMigrate.Trees;

/// <summary>Holds units against a <see cref="CheckpointSelection"/>.</summary>
internal static class UnitSelection
{
    /// <summary>The units of which a checkpoint is selected, with those alone.</summary>
    public static IReadOnlyList<CheckpointUnit> Of(CheckpointSelection selection, IReadOnlyList<CheckpointUnit> units)
    {
        var selected = selection.Of(units.SelectMany(unit => unit.Checkpoints.Select(name => Path.Combine(unit.RelativePath, name))));
        return [.. units.Select(unit => Part(unit, selected)).Where(unit => unit.Checkpoints.Count > 0)];
    }

    private static CheckpointUnit Part(CheckpointUnit unit, HashSet<string> selected)
    {
        var isSelected = unit.Checkpoints.ToLookup(name => selected.Contains(Path.Combine(unit.RelativePath, name)));
        var leftOut = isSelected[false].ToHashSet(StringComparer.Ordinal);
        return unit with
        {
            Checkpoints = [.. isSelected[true]],
            LeftOut = [.. isSelected[false]],
            Links = [.. unit.Links.Where(link => link.Target is null || !leftOut.Contains(link.Target))],
        };
    }
}
