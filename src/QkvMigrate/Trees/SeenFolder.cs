using System.Runtime.ExceptionServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Trees;

/// <summary>A directory of a tree, as it looked, and those below it.</summary>
internal sealed class SeenFolder
{
    private readonly bool isInUnit;
    private ExceptionDispatchInfo? failure;

    private SeenFolder(string path, string relativePath, bool isInUnit)
    {
        Path = path;
        RelativePath = relativePath;
        this.isInUnit = isInUnit;
    }

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>Its path below the tree's root; empty for that.</summary>
    public string RelativePath { get; }

    /// <summary>The directory itself, as far as the system told.</summary>
    public FileIdentity? Identity { get; private set; }

    /// <summary>Why it is refused, where it is a checkpoint as a whole: then nothing else is known of it.</summary>
    public MigrationException? Refusal { get; private set; }

    /// <summary>The files that look like checkpoints, in order.</summary>
    public IReadOnlyList<string> Checkpoints { get; private set; } = [];

    /// <summary>The other files in order, where they are those of a unit.</summary>
    public IReadOnlyList<string> OtherFiles { get; private set; } = [];

    /// <summary>Those of all these files that are links.</summary>
    public IReadOnlySet<string> Links { get; private set; } = new HashSet<string>();

    /// <summary>What has a name that is no UTF-8.</summary>
    public IReadOnlyList<FileSystemInfo> Unnameable { get; private set; } = [];

    /// <summary>The directories in it, in order.</summary>
    public IReadOnlyList<SeenFolder> Folders { get; private set; } = [];

    /// <summary>Looks at a directory and at all below it, at many of one depth side by side. Linked directories are not entered.</summary>
    public static SeenFolder Of(string root, CancellationToken cancellation)
    {
        var seen = new SeenFolder(root, "", isInUnit: false);
        for (IReadOnlyList<SeenFolder> level = [seen]; level.Count > 0; level = [.. level.SelectMany(folder => folder.Folders)])
        {
            SideBySide.ForEach(level, folder => folder.Look(cancellation));
        }

        return seen;
    }

    /// <summary>Makes sure that it could be looked at.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="MigrationException">It has a record of backups that is none.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public void CheckSeen() => failure?.Throw();

    /// <summary>What goes wrong is told by <see cref="CheckSeen"/>.</summary>
    private void Look(CancellationToken cancellation)
    {
        try
        {
            cancellation.ThrowIfCancellationRequested();
            Identity = FileIdentity.Of(Path);
            var listing = FolderListing.Of(Path);
            Refusal = DistributedCheckpoint.RefusalOfFolder(Path, listing.Files);
            if (Refusal is null)
            {
                Sort(listing, cancellation);
            }
        }
        catch (Exception error)
        {
            failure = ExceptionDispatchInfo.Capture(error);
        }
    }

    /// <summary>Keeps what a unit needs of it: a tree may have millions of files that belong to none.</summary>
    private void Sort(FolderListing listing, CancellationToken cancellation)
    {
        var isCheckpoint = listing.Files.ToLookup(IsCheckpoint);
        Checkpoints = [.. isCheckpoint[true]];
        var hasUnit = isInUnit || Checkpoints.Count > 0;
        if (hasUnit)
        {
            OtherFiles = [.. isCheckpoint[false]];
            Links = listing.Links;
        }

        Unnameable = listing.Unnameable;
        Folders = [.. listing.Folders.Select(name => new SeenFolder(System.IO.Path.Combine(Path, name), System.IO.Path.Combine(RelativePath, name), hasUnit))];

        bool IsCheckpoint(string file)
        {
            // Each look opens a file.
            cancellation.ThrowIfCancellationRequested();
            return FolderListing.LooksLikeCheckpoint(System.IO.Path.Combine(Path, file));
        }
    }
}
