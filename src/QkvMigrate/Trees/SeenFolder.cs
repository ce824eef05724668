using System.Runtime.ExceptionServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Trees;

/// <summary>A directory of a tree, as it looked, and those below it. A tree may have a million: it keeps its name alone, and what a unit needs.</summary>
internal sealed class SeenFolder
{
    private static readonly IReadOnlySet<string> None = new HashSet<string>();

    private readonly SeenFolder? above;
    private readonly string name;
    private readonly bool isInUnit;
    private ExceptionDispatchInfo? failure;

    private SeenFolder(SeenFolder? above, string name, bool isInUnit)
    {
        this.above = above;
        this.name = name;
        this.isInUnit = isInUnit;
    }

    /// <summary>The directory.</summary>
    public string Path => above is null ? name : System.IO.Path.Combine(above.Path, name);

    /// <summary>Its path below the tree's root; empty for that.</summary>
    public string RelativePath => above is null ? "" : System.IO.Path.Combine(above.RelativePath, name);

    /// <summary>The directory itself, as far as the system told.</summary>
    public FileKey? Key { get; private set; }

    /// <summary>Why it is refused, where it is a checkpoint as a whole: then nothing else is known of it.</summary>
    public MigrationException? Refusal { get; private set; }

    /// <summary>The files that look like checkpoints, in order.</summary>
    public IReadOnlyList<string> Checkpoints { get; private set; } = [];

    /// <summary>The other files in order, where they are those of a unit.</summary>
    public IReadOnlyList<string> OtherFiles { get; private set; } = [];

    /// <summary>Those of all these files that are links.</summary>
    public IReadOnlySet<string> Links { get; private set; } = None;

    /// <summary>What has a name that is no UTF-8.</summary>
    public IReadOnlyList<FileSystemInfo> Unnameable { get; private set; } = [];

    /// <summary>The directories in it, in order.</summary>
    public IReadOnlyList<SeenFolder> Folders { get; private set; } = [];

    /// <summary>Looks at a directory and at all below it, at many of one depth side by side. Linked directories are not entered.</summary>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public static SeenFolder Of(string root, CancellationToken cancellation)
    {
        var seen = new SeenFolder(null, root, isInUnit: false);
        for (IReadOnlyList<SeenFolder> level = [seen]; level.Count > 0; level = [.. level.SelectMany(folder => folder.Folders)])
        {
            SideBySide.ForEach(level, folder => folder.Look(cancellation));
            cancellation.ThrowIfCancellationRequested();
        }

        return seen;
    }

    /// <summary>Makes sure that it could be looked at.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="MigrationException">It has a record of backups that is none.</exception>
    public void CheckSeen() => failure?.Throw();

    /// <summary>What goes wrong is told by <see cref="CheckSeen"/>.</summary>
    private void Look(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return;
        }

        try
        {
            var path = Path;
            Key = FileIdentity.Of(path) is { } folder ? new FileKey(folder) : null;
            var listing = FolderListing.Of(path);
            Refusal = DistributedCheckpoint.RefusalOfFolder(path, listing.Files);
            if (Refusal is null)
            {
                Sort(path, listing, cancellation);
            }
        }
        catch (Exception error)
        {
            failure = ExceptionDispatchInfo.Capture(error);
        }
    }

    /// <summary>Keeps what a unit needs of it: a tree may have millions of files that belong to none.</summary>
    private void Sort(string path, FolderListing listing, CancellationToken cancellation)
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
        Folders = [.. listing.Folders.Select(below => new SeenFolder(this, below, hasUnit))];

        bool IsCheckpoint(string file)
        {
            // Each look opens a file.
            cancellation.ThrowIfCancellationRequested();
            return FolderListing.LooksLikeCheckpoint(System.IO.Path.Combine(path, file));
        }
    }
}
