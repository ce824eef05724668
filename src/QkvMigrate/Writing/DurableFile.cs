using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>
/// A file that gets its name when it is whole and on the disk: written under a temporary name in the same folder,
/// synced, renamed, and the folder synced. Disposing one that was not committed takes the temporary file away. In a
/// <see cref="DurableFolder"/>, which has no name itself, it is written under its own.
/// </summary>
public sealed class DurableFile : IDisposable
{
    private readonly string temporary;
    private readonly bool replace;
    private readonly TargetLock? targetLock;
    private readonly UnsettledFiles? unsettled;
    private DiskSync? syncing;
    private bool committed;
    private bool isLeftToFolder;

    private DurableFile(string path, string temporary, bool replace, SafeFileHandle handle, TargetLock? targetLock, UnsettledFiles? unsettled)
    {
        this.targetLock = targetLock;
        this.unsettled = unsettled;
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

    /// <summary>Whether the folder waits for this file's sync, together with those of its others.</summary>
    private bool IsSettledByFolder => unsettled is not null && UnsettledFiles.AreTogether;

    /// <summary>Starts a file that will be called <paramref name="path"/>.</summary>
    /// <param name="path">The name; where <paramref name="replace"/> is false it must be free, now and at the end.</param>
    /// <param name="replace">Whether a file of that name is replaced.</param>
    /// <exception cref="MigrationException">The name is taken, another process is writing it, or the folder cannot be written.</exception>
    public static DurableFile Create(string path, bool replace) => Create(path, replace, wait: false);

    /// <summary>Writes a small file that several processes may write at once: each waits for its turn, and the last one's stays.</summary>
    /// <exception cref="MigrationException">The folder cannot be written.</exception>
    internal static void WriteShared(string path, byte[] content) => WriteShared(path, () => content);

    /// <summary>The same, where the new content depends on the old: <paramref name="content"/> is called when it is this process's turn.</summary>
    /// <exception cref="MigrationException">The folder cannot be written.</exception>
    internal static void WriteShared(string path, Func<byte[]> content)
    {
        using var file = Create(path, replace: true, wait: true);
        file.WriteAll(content());
        file.Commit();
    }

    /// <summary>
    /// Starts a file in the folder of a <see cref="DurableFolder"/> or below it. Nobody else writes there, and nobody reads there until
    /// the folder has its name: the file needs no lock and no other name, and the folder's commit makes its name durable.
    /// </summary>
    /// <param name="path">The name.</param>
    /// <param name="unsettled">The folder's files.</param>
    /// <exception cref="MigrationException">The name is taken, or the folder cannot be written.</exception>
    internal static DurableFile CreateInNewFolder(string path, UnsettledFiles unsettled) =>
        IoFailure.Naming(path, () => new DurableFile(path, path, replace: false, Open(path), null, unsettled));

    /// <summary>
    /// Writes a small file of which the holder of a turn (a <see cref="TargetLock"/>) is the only writer, and begins its sync: it gets its name by
    /// <see cref="Commit"/> or <see cref="CommitName"/>. What a killed process leaves of it goes with what it leaves of the turn.
    /// </summary>
    /// <param name="path">The file, which is replaced where it is there.</param>
    /// <param name="turn">The target of the turn's lock.</param>
    /// <param name="content">What the file gets.</param>
    /// <exception cref="MigrationException">The folder cannot be written.</exception>
    internal static DurableFile BeginInTurn(string path, string turn, byte[] content)
    {
        var file = IoFailure.Naming(path, () =>
        {
            CheckReplaceable(path);
            var hidden = System.IO.Path.Combine(FilePlace.DirectoryOf(turn), TemporaryName.For(turn));
            return new DurableFile(path, hidden, replace: true, Open(hidden), null, null);
        });
        try
        {
            file.WriteAll(content);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static DurableFile Create(string path, bool replace, bool wait)
    {
        TargetLock? acquired = null;
        try
        {
            return IoFailure.Naming(path, () =>
            {
                CheckReplaceable(path);
                acquired = TargetLock.Acquire(path, wait);
                if (!replace && System.IO.Path.Exists(path))
                {
                    throw ExistingOutput.Refused(path);
                }

                var hidden = System.IO.Path.Combine(FilePlace.DirectoryOf(path), TemporaryName.For(path));
                return new DurableFile(path, hidden, replace, Open(hidden), acquired, null);
            });
        }
        catch
        {
            acquired?.Dispose();
            throw;
        }
    }

    private static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);

    /// <summary>A rename would put a file in the place of a device or a FIFO, which others use by that name (<c>/dev/null</c>).</summary>
    private static void CheckReplaceable(string path)
    {
        if (FileIdentity.Of(path) is { IsDirectory: false, Special: { } special })
        {
            throw new MigrationException(FailureKind.Target, $"this is no regular file but {special}, which is never replaced", path);
        }
    }

    /// <summary>Has <paramref name="write"/> put the content into the temporary file, from its start.</summary>
    /// <exception cref="MigrationException">The system cannot write.</exception>
    public void Write(Action<Stream> write) => IoFailure.Naming(Path, () =>
    {
        using var stream = new BufferedStream(new PositionedStream(Handle));
        write(stream);
    });

    /// <summary>
    /// Ends the writing and begins the sync, which runs in the background until <see cref="WaitForSync"/>. Owner and
    /// permissions are set first, so that one sync is enough: each costs a flush of the disk's cache.
    /// </summary>
    /// <param name="mode">The file's permissions, or null for what the process's mask leaves.</param>
    internal void StartSync(UnixFileMode? mode = null)
    {
        KeepOwner();
        if (mode is { } bits)
        {
            HostSystem.Current.SetMode(Handle, bits);
        }

        syncing = DiskSync.Begin(Handle, temporary);
    }

    /// <summary>Waits until the disk has the file, unless its folder does.</summary>
    /// <exception cref="IOException">The disk did not take it. The system says so only once: the file must not be committed.</exception>
    internal void WaitForSync()
    {
        if (!IsSettledByFolder)
        {
            syncing?.Wait();
        }
    }

    /// <summary>Makes the file durable, where its sync was not started before, and gives it its name.</summary>
    /// <param name="mode">Its permissions where its sync was not started before, or null for what the process's mask leaves.</param>
    /// <param name="backup">A second name that the file which is replaced keeps, or null.</param>
    public void Commit(UnixFileMode? mode = null, string? backup = null) => IoFailure.Naming(Path, () =>
    {
        GiveName(mode, backup);
        if (temporary != Path)
        {
            DiskSync.FlushFolder(FilePlace.DirectoryOf(Path));
        }
    });

    /// <summary>As <see cref="Commit"/>, but the name itself may still be lost in a power cut, and the old file stand there again.</summary>
    internal void CommitName() => IoFailure.Naming(Path, () => GiveName(null, null));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!isLeftToFolder)
        {
            Handle.Dispose();
        }

        if (!committed)
        {
            Leftover.Remove(() => File.Delete(temporary));
        }

        targetLock?.Dispose();
    }

    private void GiveName(UnixFileMode? mode, string? backup)
    {
        if (syncing is null)
        {
            StartSync(mode);
        }

        if (IsSettledByFolder)
        {
            isLeftToFolder = true;
            committed = true;
            unsettled!.Add(Path, Handle, syncing!);
            return;
        }

        WaitForSync();
        Handle.Dispose();
        if (temporary != Path)
        {
            if (backup is not null)
            {
                Keep(backup);
            }

            HostSystem.Current.Rename(temporary, Path, replace);
        }

        committed = true;
    }

    /// <summary>Writes the whole content, and begins the sync.</summary>
    private void WriteAll(byte[] content) => IoFailure.Naming(Path, () =>
    {
        PositionedWrite.All(Handle, content, 0);
        StartSync();
    });

    /// <summary>
    /// Gives the old file a second name, or else copies it, so that it has a name at every moment, also on the disk: that may get the
    /// new file's name before this one. A run that was killed after this point has left the second name.
    /// </summary>
    private void Keep(string backup)
    {
        if (FileIdentity.AreSame(Path, backup) || HostSystem.Current.HardLink(Path, backup))
        {
            DiskSync.FlushFolder(FilePlace.DirectoryOf(backup));
        }
        else
        {
            FileCopy.Copy(Path, backup);
        }
    }

    /// <summary>A file that replaces another gets that one's owner, where this process may change the owner.</summary>
    private void KeepOwner()
    {
        if (replace && FileIdentity.Of(Path) is { } old)
        {
            HostSystem.Current.KeepOwner(Handle, old);
        }
    }
}
