using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>
/// Files of a <see cref="DurableFolder"/> that are whole and on their way to the disk. Nobody needs them there before the folder gets its name: in
/// a <see cref="SyncGroup"/> they are waited for together, and not one after the other.
/// </summary>
internal sealed class UnsettledFiles : IDisposable
{
    /// <summary>The most that stay open. There may be many in a folder, and many folders are worked on at a time.</summary>
    private const int Most = 4;

    private readonly Queue<UnsettledFile> files = new();

    /// <summary>Whether files are waited for together: who works alone waits for each, and tells that it does.</summary>
    public static bool AreTogether => SyncGroup.OfThread is not null;

    /// <summary>Adds a file, and waits for the first one where there are too many.</summary>
    /// <param name="path">Its name, for an error.</param>
    /// <param name="handle">The open file, which is this object's from here on.</param>
    /// <param name="sync">Its sync.</param>
    /// <exception cref="MigrationException">The disk did not take a file.</exception>
    public void Add(string path, SafeFileHandle handle, DiskSync sync)
    {
        files.Enqueue(new UnsettledFile(path, handle, sync));
        if (files.Count > Most)
        {
            SettleFirst();
        }
    }

    /// <summary>Waits until the disk has them all, and closes them.</summary>
    /// <exception cref="MigrationException">The disk did not take a file.</exception>
    public void Settle()
    {
        while (files.Count > 0)
        {
            SettleFirst();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in files)
        {
            file.Handle.Dispose();
        }

        files.Clear();
    }

    private void SettleFirst()
    {
        var file = files.Dequeue();
        using (file.Handle)
        {
            IoFailure.Naming(file.Path, file.Sync.Wait);
        }
    }

    private sealed record UnsettledFile(string Path, SafeFileHandle Handle, DiskSync Sync);
}
