using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Trees;

/// <summary>The directories with checkpoints that are found in and below a directory.</summary>
internal sealed class CheckpointTree
{
    private readonly List<CheckpointUnit> units = [];
    private readonly List<UnreadableFolder> unreadable = [];
    private readonly TreeFolders folders = new();
    private readonly List<(string RelativePath, UnreadableFolder Folder)> distributed = [];

    private CheckpointTree()
    {
    }

    /// <summary>The units that were selected, in the order of their paths.</summary>
    public IReadOnlyList<CheckpointUnit> Units { get; private set; } = [];

    /// <summary>
    /// Directories below that may not be read, so that nobody knows what is in them, and those that were selected and are
    /// a checkpoint as a whole, cut over their files.
    /// </summary>
    public IReadOnlyList<UnreadableFolder> Unreadable => unreadable;

    /// <summary>Every directory that was entered: nothing may be written in any of them but in place.</summary>
    public IReadOnlySet<FileKey> Folders => folders.Keys;

    /// <summary>All units, selected or not.</summary>
    public IReadOnlyList<CheckpointUnit> AllUnits => units;

    /// <summary>Whether a unit, selected or not, lies below the directory that was named, and is not that directory itself.</summary>
    public bool HasBranches => units.Exists(unit => unit.RelativePath.Length > 0);

    /// <summary>Finds the units in and below <paramref name="root"/>. Linked directories are not entered.</summary>
    /// <exception cref="MigrationException">The directory cannot be read, or has no checkpoint in or below it that is selected.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public static CheckpointTree Find(string root, CheckpointSelection selection, CancellationToken cancellation)
    {
        var tree = new CheckpointTree();
        try
        {
            tree.Collect(SeenFolder.Of(root, cancellation), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw IoFailure.OfReading(error, root);
        }

        tree.Units = UnitSelection.Of(selection, tree.units);
        tree.unreadable.AddRange(tree.distributed.Where(found => selection.Selects(found.RelativePath)).Select(found => found.Folder));
        return tree.Units.Count + tree.unreadable.Count > 0
            ? tree
            : throw new MigrationException(
                FailureKind.Malformed,
                $"no checkpoint in this directory or below it{(tree.units.Count + tree.distributed.Count > 0 ? " passes --include and --exclude" : "")}",
                root);
    }

    private void Collect(SeenFolder folder, CollectedFiles? parent)
    {
        var own = units.Count;
        if (folder.Key is { } key)
        {
            folders.Add(key);
        }

        folder.CheckSeen();
        if (folder.Refusal is { } refusal)
        {
            distributed.Add((folder.RelativePath, new UnreadableFolder(folder.Path, refusal)));
            return;
        }

        var isUnit = folder.Checkpoints.Count > 0;
        var collected = isUnit ? new CollectedFiles(folder.Path, folder.Checkpoints) : parent;
        collected?.Add(folder);
        AddUnnameable(folder, collected);
        if (isUnit)
        {
            units.Add(new CheckpointUnit(folder.Path, folder.RelativePath, [], []));
        }

        foreach (var child in folder.Folders)
        {
            try
            {
                Collect(child, collected);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                unreadable.Add(new UnreadableFolder(child.Path, IoFailure.OfReading(error, child.Path)));
            }
            catch (MigrationException error)
            {
                // Nobody knows which files of it are backups.
                unreadable.Add(new UnreadableFolder(child.Path, error.InFile(child.Path)));
            }
        }

        if (isUnit)
        {
            var below = units.Skip(own + 1).Select(unit => Path.GetRelativePath(folder.Path, unit.Root));
            units[own] = collected!.ToUnit(folder.RelativePath) with { TreeFolders = folders, UnitsBelow = [.. below] };
        }
    }

    /// <summary>Files that nobody can open by their names: one that may be a checkpoint, and a directory, must be told; others stay behind.</summary>
    private void AddUnnameable(SeenFolder folder, CollectedFiles? collected)
    {
        foreach (var entry in folder.Unnameable)
        {
            if (entry is DirectoryInfo || CheckpointNames.IsUsual(entry.Name))
            {
                var error = new MigrationException(FailureKind.Io, "its name is no UTF-8, and this program cannot open it; give it another", entry.FullName);
                unreadable.Add(new UnreadableFolder(entry.FullName, error));
            }
            else
            {
                collected?.Unnameable.Add(entry.FullName);
            }
        }
    }
}
