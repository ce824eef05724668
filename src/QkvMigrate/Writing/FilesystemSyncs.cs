using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>Syncs of filesystems as a whole, in the place of one for each file, as long as each filesystem wants to.</summary>
/// <param name="flushTogether">Brings files and names of one filesystem to the disk, as <see cref="HostSystem.FlushTogether"/> does.</param>
internal sealed class FilesystemSyncs(FilesystemSyncs.Flush flushTogether)
{
    /// <summary>The fewest for which a whole filesystem is synced. Fewer are synced each by itself, which leaves the data of others alone.</summary>
    public const int Fewest = 8;

    private readonly Lock gate = new();

    /// <summary>The filesystems that could not be synced as a whole, or once did not want to.</summary>
    private readonly HashSet<ulong> unable = [];

    /// <summary>As <see cref="HostSystem.FlushTogether"/>.</summary>
    public delegate bool Flush(IReadOnlyList<SafeFileHandle> files, string folder, Action<SafeFileHandle, IOException> lose);

    /// <summary>Whether a filesystem is not asked any more.</summary>
    public bool IsUnable(ulong device)
    {
        lock (gate)
        {
            return unable.Contains(device);
        }
    }

    /// <summary>Brings to the disk what was asked for, where it is much for its filesystem. A file that was lost has its failure from then on.</summary>
    /// <returns>What is there.</returns>
    public HashSet<SyncRequest> Take(IEnumerable<SyncRequest> requests) =>
        requests.GroupBy(request => request.Sync.Device).Where(IsTakenAtOnce).SelectMany(same => same).ToHashSet();

    private bool IsTakenAtOnce(IGrouping<ulong, SyncRequest> same)
    {
        // What was asked for before a filesystem did not want to may come after that.
        if (same.Count() < Fewest || IsUnable(same.Key))
        {
            return false;
        }

        // What nobody waits for may have failed since, and be gone.
        var files = same.Select(request => request.Sync.File).OfType<SafeFileHandle>().Where(file => !file.IsClosed).ToList();
        var first = same.FirstOrDefault(request => request.Waiting is not null) ?? same.First();
        if (flushTogether(files, first.Sync.Folder, Lose))
        {
            return true;
        }

        lock (gate)
        {
            unable.Add(same.Key);
        }

        return false;

        void Lose(SafeFileHandle file, IOException failure)
        {
            foreach (var request in same.Where(request => request.Sync.File == file))
            {
                request.Failure = failure;
            }
        }
    }
}
