using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Writing;

/// <summary>
/// A file that gets its name when it is whole and on the disk: written under a temporary name in the same folder,
/// synced, renamed, and the folder synced. Disposing one that was not committed takes the temporary file away.
/// </summary>
public sealed class DurableFile : IDisposable
{
    private readonly string temporary;
    private readonly bool replace;
    private bool committed;

    private DurableFile(string path, string temporary, bool replace, SafeFileHandle handle)
    {
        Path = path;
        this.temporary = temporary;
        this.replace = replace;
        Handle = handle;
    }

    /// <summary>The name that the file will get.</summary>
    public string Path { get; }

    /// <summary>The open temporary file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The temporary file's name.</summary>
    internal string TemporaryPath => temporary;

    /// <summary>Starts a file that will be called <paramref name="path"/>.</summary>
    /// <param name="path">The name; where <paramref name="replace"/> is false it must be free, now and at the end.</param>
    /// <param name="replace">Whether a file of that name is replaced.</param>
    /// <exception cref="MigrationException">The name is taken, or the folder cannot be written.</exception>
    public static DurableFile Create(string path, bool replace)
    {
        if (!replace && (File.Exists(path) || Directory.Exists(path)))
        {
            throw new MigrationException(FailureKind.Target, "the output exists already; --force replaces it", path);
        }

        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        var hidden = System.IO.Path.Combine(folder, TemporaryName.For(path));
        try
        {
            var handle = File.OpenHandle(hidden, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            return new DurableFile(path, hidden, replace, handle);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            File.Delete(hidden);
            throw new MigrationException(FailureKind.Io, error.Message, path, inner: error);
        }
    }

    /// <summary>Makes the file durable and gives it its name.</summary>
    /// <param name="mode">Its permissions, or null for what the process's mask leaves.</param>
    /// <param name="backup">A second name that the file which is replaced keeps, or null.</param>
    public void Commit(UnixFileMode? mode = null, string? backup = null)
    {
        try
        {
            if (mode is { } bits)
            {
                File.SetUnixFileMode(Handle, bits);
            }

            RandomAccess.FlushToDisk(Handle);
            Handle.Dispose();
            if (backup is not null)
            {
                // A second link, so that there is no moment without the old file under a name of its own.
                Posix.HardLink(Path, backup);
            }

            Posix.Rename(temporary, Path, replace);
            committed = true;
            Posix.FlushFolder(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, Path, inner: error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Handle.Dispose();
        if (!committed)
        {
            File.Delete(temporary);
        }
    }
}
