using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>The folders in which a run that was killed may have left files under temporary names.</summary>
internal static class WrittenFolders
{
    /// <summary>The folder of a file that is written by itself, behind a link where there is one.</summary>
    public static IReadOnlyList<string> Of(string output) => [FolderOf(Path.GetFullPath(ReplacedFile.FinalTarget(output)))];

    /// <summary>The folders of a tree that is migrated in place: its own, which has its records, those of its units, and those behind links to checkpoints.</summary>
    public static IReadOnlySet<string> InPlace(string tree, IEnumerable<CheckpointUnit> units) =>
        units.SelectMany(unit => unit.Checkpoints.Select(file => FolderOf(ReplacedFile.FinalTarget(Path.Combine(unit.Root, file)))).Append(unit.Root))
            .Append(tree)
            .ToHashSet(StringComparer.Ordinal);

    /// <summary>The folders of the results in <paramref name="output"/>, where that is there already, and the folder that it stands in.</summary>
    public static IReadOnlySet<string> Below(string output, IEnumerable<CheckpointUnit> units)
    {
        var above = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(output))) ?? output;
        var results = !Directory.Exists(output) ? [] : units
            .SelectMany(unit => unit.OtherFiles.Concat(unit.Links.Select(link => link.Path)).Select(file => FolderOf(Path.Combine(unit.RelativePath, file))).Append(unit.RelativePath))
            .Distinct(StringComparer.Ordinal);
        return results.SelectMany(AndAbove).Select(folder => Path.Combine(output, folder)).Append(above).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>A relative folder and all above it; the last is the root, whose path is empty.</summary>
    public static IEnumerable<string> AndAbove(string folder)
    {
        for (; folder.Length > 0; folder = FolderOf(folder))
        {
            yield return folder;
        }

        yield return "";
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(path) ?? "";
}
