using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification;

/// <summary>All that stands below a directory, by paths relative to it: what a migration sees, and all else, so that nothing passes unmentioned.</summary>
internal sealed class TreeListing
{
    private readonly List<string> files = [];
    private readonly List<string> folders = [];
    private readonly List<string> others = [];
    private readonly List<(string Folder, MigrationException Refusal)> distributed = [];

    private TreeListing(string root) => Root = root;

    /// <summary>The directory.</summary>
    public string Root { get; }

    /// <summary>The files that a migration sees, links to directories or nowhere among them.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>The directories, without the root.</summary>
    public IReadOnlyList<string> Folders => folders;

    /// <summary>What a migration does not see: records, backups and leftovers of this tool, FIFOs and devices, stores of files by content.</summary>
    public IReadOnlyList<string> Others => others;

    /// <summary>The directories that are a checkpoint as a whole, cut over their files, and why they are refused.</summary>
    public IReadOnlyList<(string Folder, MigrationException Refusal)> Distributed => distributed;

    /// <summary>Lists a directory and all below it.</summary>
    /// <param name="root">The directory.</param>
    /// <param name="watched">Takes each directory, before it is listed.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public static TreeListing Of(string root, WatchedFiles watched, CancellationToken cancellation)
    {
        var listing = new TreeListing(root);
        listing.Add("", watched, cancellation);
        return listing;
    }

    /// <summary>What stands at a path, for people: "a FIFO"; "a file" for what is one.</summary>
    public string KindOf(string path) => FileIdentity.OfLink(Path.Combine(Root, path))?.Special ?? "a file";

    private void Add(string folder, WatchedFiles watched, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var directory = Path.Combine(Root, folder);
        watched.Note([directory]);
        var listing = FolderListing.Of(directory);
        if (DistributedCheckpoint.RefusalOfFolder(directory, listing.Files) is { } refusal)
        {
            distributed.Add((folder, refusal));
            return;
        }

        files.AddRange(listing.Files.Select(name => Path.Combine(folder, name)));
        var seen = listing.Files.Concat(listing.Folders).ToHashSet(StringComparer.Ordinal);
        others.AddRange(new DirectoryInfo(directory).GetFileSystemInfos("*", FolderEntries.Flat)
            .Select(entry => entry.Name)
            .Where(name => !seen.Contains(name))
            .Order(StringComparer.Ordinal)
            .Select(name => Path.Combine(folder, name)));
        foreach (var child in listing.Folders.Select(name => Path.Combine(folder, name)))
        {
            folders.Add(child);
            Add(child, watched, cancellation);
        }
    }
}
