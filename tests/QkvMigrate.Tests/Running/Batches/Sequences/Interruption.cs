using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Writing;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>
/// Ends a run at one of the moments of which it tells: by cancelling it, or as a kill does. For that it keeps what the disk
/// had at the moment, and puts that back when the run is over.
/// </summary>
internal sealed class Interruption(int moment, bool isKill, params string[] folders) : IWriteProgress, IBatchObserver, IFileProgress
{
    private readonly CancellationTokenSource stop = new();
    private readonly List<(string Folder, WorkFolder? Image, bool IsLocked)> images = [];
    private int passed;
    private Exception? failure;

    /// <summary>Ends the run where it is cancelled.</summary>
    public CancellationToken Token => stop.Token;

    public IFileProgress Begin(string path, long bytes)
    {
        Pass();
        return this;
    }

    public void Begin(int units, long bytes) => Pass();

    public void Started(string path, long bytes) => Pass();

    public void Finished(string path, IReadOnlyList<CheckpointReport> reports) => Pass();

    /// <summary>From other threads: no moment at which the disk stands still.</summary>
    public void Advance(long bytes)
    {
    }

    public void Enter(WriteStage stage) => Pass();

    void IDisposable.Dispose() => Pass();

    /// <summary>Puts back what a kill would have left.</summary>
    public void Restore()
    {
        if (failure is not null)
        {
            throw new InvalidOperationException("no image was made", failure);
        }

        foreach (var (folder, image, isLocked) in images)
        {
            Remove(folder);
            if (isLocked)
            {
                File.WriteAllText(TemporaryName.LockFor(folder), "1\n");
            }

            if (image is not null)
            {
                Copy(image.Path, folder);
                image.Dispose();
            }
        }
    }

    /// <summary>Takes a folder away, where it is there.</summary>
    public static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Pass()
    {
        if (passed++ != moment)
        {
            return;
        }

        if (!isKill)
        {
            stop.Cancel();
            return;
        }

        try
        {
            foreach (var folder in folders)
            {
                var image = Directory.Exists(folder) ? new WorkFolder(Path.GetDirectoryName(folder)!) : null;
                images.Add((folder, image, File.Exists(TemporaryName.LockFor(folder))));
                if (image is not null)
                {
                    Copy(folder, image.Path);
                }
            }
        }
        catch (Exception error)
        {
            // The run must not take it for one of its own.
            failure = error;
        }
    }

    /// <summary>Copies files with their times, and keeps two names of one file two names of one file.</summary>
    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        var copies = new Dictionary<(ulong, ulong), string>();
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            var identity = FileIdentity.Of(file)!.Value;
            if (copies.TryGetValue((identity.Device, identity.Inode), out var other))
            {
                HostSystem.Current.HardLink(other, copy);
                continue;
            }

            copies.Add((identity.Device, identity.Inode), copy);

            if (file.EndsWith("-lock", StringComparison.Ordinal))
            {
                // The runtime would ask for the lock itself.
                File.WriteAllText(copy, "1\n");
            }
            else
            {
                File.Copy(file, copy);
            }
        }
    }
}
