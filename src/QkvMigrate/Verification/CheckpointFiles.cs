using QkvMigrate.Folders;

namespace QkvMigrate.Verification;

/// <summary>
/// The files of a directory or tree that a migration has to do with: checkpoints, and what lies beside or below one.
/// Found here anew, so that what the migration overlooked is found.
/// </summary>
internal sealed class CheckpointFiles
{
    private readonly HashSet<string> checkpoints;
    private readonly Dictionary<string, bool> directories;

    private readonly CancellationToken cancellation;

    /// <summary>Looks at every file of <paramref name="listing"/>; checkpoints that are not selected are as if they were not there.</summary>
    /// <param name="listing">The files.</param>
    /// <param name="selection">Which checkpoints count.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public CheckpointFiles(TreeListing listing, CheckpointSelection selection, CancellationToken cancellation)
    {
        this.cancellation = cancellation;
        var (root, files) = (listing.Root, listing.Files);
        Distributed = [.. listing.Distributed.Where(found => selection.Selects(found.Folder))];
        var found = files.Where(name => IsCheckpoint(root, name)).ToHashSet(StringComparer.Ordinal);
        checkpoints = selection.Of(found);

        // A directory whose checkpoints are all left out belongs to nobody, and not to the directory above.
        directories = found
            .GroupBy(Folder, checkpoints.Contains)
            .ToDictionary(group => group.Key, group => group.Any(isSelected => isSelected), StringComparer.Ordinal);
        Names = files.Where(name => checkpoints.Contains(name) || (!found.Contains(name) && DirectoryOf(name) is not null)).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The files that belong to a checkpoint, relative to the root.</summary>
    public IReadOnlySet<string> Names { get; }

    /// <summary>The directories that are a checkpoint as a whole, cut over their files, relative to the root, and why they are refused.</summary>
    public IReadOnlyList<(string Folder, MigrationException Refusal)> Distributed { get; }

    /// <summary>Whether a file is a checkpoint.</summary>
    public bool IsCheckpoint(string name) => checkpoints.Contains(name);

    /// <summary>The nearest directory with a checkpoint in it that <paramref name="name"/> lies in, or null.</summary>
    public string? DirectoryOf(string name)
    {
        for (var directory = Folder(name); ; directory = Folder(directory))
        {
            if (directories.TryGetValue(directory, out var isSelected))
            {
                return isSelected ? directory : null;
            }

            if (directory.Length == 0)
            {
                return null;
            }
        }
    }

    private bool IsCheckpoint(string root, string name)
    {
        cancellation.ThrowIfCancellationRequested();
        return FolderListing.LooksLikeCheckpoint(Path.Combine(root, name));
    }

    private static string Folder(string name) => Path.GetDirectoryName(name) ?? "";
}
