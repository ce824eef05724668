using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>
/// A file's bytes, or the names in a folder, on their way to the disk. A thread that works in a <see cref="SyncGroup"/> has them brought
/// there together with those of others; any other waits for its own alone. Who writes sees no difference: when <see cref="Wait"/>
/// returns, the disk has them. docs/durability.md has the order of all syncs.
/// </summary>
internal sealed class DiskSync
{
    private readonly SyncGroup? group;
    private readonly SyncRequest? request;
    private readonly Task? alone;

    private DiskSync(SafeFileHandle? file, string folder)
    {
        File = file;
        Folder = folder;
        if (SyncGroup.OfThread is { } found)
        {
            Device = (file is null ? FileIdentity.Of(folder)?.Device : FileIdentity.Of(file).Device) ?? 0;
            group = found;
            request = group.Ask(this);
        }
        else if (file is not null)
        {
            alone = Task.Run(Flush);
        }
    }

    /// <summary>The file, which has to stay open until it is on the disk; null where the folder is meant.</summary>
    public SafeFileHandle? File { get; }

    /// <summary>The folder, or the one that the file is in.</summary>
    public string Folder { get; }

    /// <summary>The filesystem's device, where it is known.</summary>
    public ulong Device { get; }

    /// <summary>Begins to bring a file to the disk.</summary>
    /// <param name="file">The file, open for writing.</param>
    /// <param name="path">The name that it has now.</param>
    /// <exception cref="IOException">The file cannot be asked for.</exception>
    public static DiskSync Begin(SafeFileHandle file, string path) => new(file, FilePlace.DirectoryOf(path));

    /// <summary>Begins to bring the names in a folder to the disk.</summary>
    public static DiskSync BeginFolder(string folder) => new(null, folder);

    /// <summary>Brings the names in a folder to the disk.</summary>
    /// <exception cref="IOException">They did not get there, or may not have.</exception>
    public static void FlushFolder(string folder) => BeginFolder(folder).Wait();

    /// <summary>Waits until it is there.</summary>
    /// <exception cref="IOException">The disk did not take it. The system says so only once: the file must not be committed.</exception>
    public void Wait()
    {
        if (request is not null)
        {
            group!.WaitFor(request);
        }
        else if (alone is not null)
        {
            alone.GetAwaiter().GetResult();
        }
        else
        {
            Flush();
        }
    }

    /// <summary>Brings it to the disk by itself.</summary>
    /// <exception cref="IOException">It did not get there, or may not have.</exception>
    public void Flush()
    {
        if (File is not null)
        {
            HostSystem.Current.Flush(File);
        }
        else
        {
            HostSystem.Current.FlushFolder(Folder);
        }
    }
}
