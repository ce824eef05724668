using QkvMigrate.Checkpoints;
using QkvMigrate.Writing;

namespace QkvMigrate.Migration;

/// <summary>
/// What is migrated as one: a directory that holds checkpoint files, with everything in it that belongs to no other
/// such directory below.
/// </summary>
/// <param name="Root">The directory.</param>
/// <param name="RelativePath">Its path below the path that the user named; empty for that path itself.</param>
/// <param name="Checkpoints">The checkpoint files in it, relative to <paramref name="Root"/>.</param>
/// <param name="OtherFiles">The files that come along, relative to <paramref name="Root"/>.</param>
internal sealed record CheckpointUnit(string Root, string RelativePath, IReadOnlyList<string> Checkpoints, IReadOnlyList<string> OtherFiles)
{
    private static readonly EnumerationOptions Flat = new() { AttributesToSkip = FileAttributes.None, RecurseSubdirectories = false };

    /// <summary>Finds the units in and below <paramref name="root"/>, in the order of their paths. Linked directories are not entered.</summary>
    public static IReadOnlyList<CheckpointUnit> Find(string root)
    {
        var units = new List<CheckpointUnit>();
        Collect(root, "", null, units);
        return units;
    }

    private static void Collect(string directory, string relative, (string Root, List<string> Files)? parent, List<CheckpointUnit> units)
    {
        var files = Directory.EnumerateFiles(directory, "*", Flat).Where(file => !TemporaryName.Is(Path.GetFileName(file))).Order(StringComparer.Ordinal).ToList();
        var checkpoints = files.Where(Checkpoint.LooksLikeOne).ToList();
        if (checkpoints.Count > 0)
        {
            parent = (directory, []);
            units.Add(new CheckpointUnit(directory, relative, [.. checkpoints.Select(file => Path.GetFileName(file)!)], parent.Value.Files));
        }

        if (parent is { } unit)
        {
            unit.Files.AddRange(files.Except(checkpoints).Select(file => Path.GetRelativePath(unit.Root, file)));
        }

        foreach (var child in new DirectoryInfo(directory).EnumerateDirectories("*", Flat).Where(child => child.LinkTarget is null && !TemporaryName.Is(child.Name)).OrderBy(child => child.Name, StringComparer.Ordinal))
        {
            Collect(Path.Combine(directory, child.Name), Path.Combine(relative, child.Name), parent, units);
        }
    }
}
