using QkvMigrate.Checkpoints;
using QkvMigrate.Migration.Batches;
using QkvMigrate.Writing;

namespace QkvMigrate.Migration;

/// <summary>The directories with checkpoints that are found in and below a directory.</summary>
internal sealed class CheckpointTree
{
    private static readonly EnumerationOptions Flat = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false, RecurseSubdirectories = false };

    private readonly List<CheckpointUnit> units = [];
    private readonly List<MigrationException> unreadable = [];

    private CheckpointTree()
    {
    }

    /// <summary>The units that were selected, in the order of their paths.</summary>
    public IReadOnlyList<CheckpointUnit> Units { get; private set; } = [];

    /// <summary>Directories below that may not be read, so that nobody knows what is in them.</summary>
    public IReadOnlyList<MigrationException> Unreadable => unreadable;

    /// <summary>Whether a unit, selected or not, lies below the directory that was named, and is not that directory itself.</summary>
    public bool HasBranches => units.Exists(unit => unit.RelativePath.Length > 0);

    /// <summary>Finds the units in and below <paramref name="root"/>. Linked directories are not entered.</summary>
    /// <exception cref="MigrationException">The directory cannot be read, or has no checkpoint in or below it that is selected.</exception>
    public static CheckpointTree Find(string root, CheckpointSelection selection)
    {
        var tree = new CheckpointTree();
        try
        {
            tree.Collect(root, "", null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, root, inner: error);
        }

        tree.Units = selection.Of(tree.units);
        return tree.Units.Count + tree.unreadable.Count > 0
            ? tree
            : throw new MigrationException(FailureKind.Malformed, $"no checkpoint in this directory or below it{(tree.units.Count > 0 ? " passes --include and --exclude" : "")}", root);
    }

    private void Collect(string directory, string relative, (string Root, List<string> Files)? parent)
    {
        var own = units.Count;
        var files = Directory.EnumerateFiles(directory, "*", Flat)
            .Where(file => !TemporaryName.Is(Path.GetFileName(file)) && IsFile(file))
            .Order(StringComparer.Ordinal)
            .ToList();
        var checkpoints = files.Where(LooksLikeCheckpoint).ToList();
        if (checkpoints.Count > 0)
        {
            parent = (directory, []);
            units.Add(new CheckpointUnit(directory, relative, [.. checkpoints.Select(file => Path.GetFileName(file)!)], parent.Value.Files));
        }

        var hasRecord = OutputRecord.IsIn(directory);
        if (parent is { } unit)
        {
            unit.Files.AddRange(files.Except(checkpoints)
                .Where(file => !(hasRecord && OutputRecord.IsChecksums(file)))
                .Select(file => Path.GetRelativePath(unit.Root, file)));
        }

        foreach (var child in new DirectoryInfo(directory).EnumerateDirectories("*", Flat).Where(IsEntered).OrderBy(child => child.Name, StringComparer.Ordinal))
        {
            var path = Path.Combine(directory, child.Name);
            try
            {
                Collect(path, Path.Combine(relative, child.Name), parent);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                unreadable.Add(new MigrationException(FailureKind.Io, error.Message, path, inner: error));
            }
        }

        if (checkpoints.Count > 0 && units.Count > own + 1)
        {
            units[own] = units[own] with { HasUnitsBelow = true };
        }
    }

    /// <summary>A link that leads nowhere is taken for a file, which fails where it has to come along; pipes and devices are not.</summary>
    private static bool IsFile(string path) => FileIdentity.Of(path)?.Special is null;

    /// <summary>What may not be read is taken for a checkpoint, so that its directory is refused and not half done.</summary>
    private static bool LooksLikeCheckpoint(string path)
    {
        try
        {
            return Checkpoint.LooksLikeOne(path);
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Io)
        {
            return FileIdentity.Of(path) is not null;
        }
    }

    private static bool IsEntered(DirectoryInfo directory) =>
        directory.LinkTarget is null && !TemporaryName.Is(directory.Name) && directory.Name != OutputRecord.FolderName;
}
