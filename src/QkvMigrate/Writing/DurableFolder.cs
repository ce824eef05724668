using QkvMigrate.Checkpoints;

namespace QkvMigrate.Writing;

/// <summary>
/// A folder that gets its name when all of it is written, which may be that of an empty folder. Where a folder of that name
/// is there already, and may be written into, its files are replaced one by one instead.
/// </summary>
internal sealed class DurableFolder : IDisposable
{
    private readonly string path;
    private readonly bool isNew;
    private readonly bool replacesEmpty;
    private readonly TargetLock targetLock;
    private bool committed;

    private DurableFolder(string path, string writePath, bool replacesEmpty, TargetLock targetLock)
    {
        this.replacesEmpty = replacesEmpty;
        this.targetLock = targetLock;
        this.path = path;
        WritePath = writePath;
        isNew = writePath != path;
    }

    /// <summary>Where to write until <see cref="Commit"/>.</summary>
    public string WritePath { get; }

    /// <summary>Starts a folder that will be called <paramref name="path"/>.</summary>
    /// <param name="path">The name. A folder that has it must be empty, unless it may be written into.</param>
    /// <param name="mayExist">Whether files of a folder of that name are replaced.</param>
    public static DurableFolder Create(string path, bool mayExist)
    {
        // With a separator at its end, the folder would be taken for its own parent.
        path = path.TrimEnd(Path.DirectorySeparatorChar) is { Length: > 0 } trimmed ? trimmed : path;
        TargetLock? acquired = null;
        try
        {
            var parent = Path.GetDirectoryName(Path.GetFullPath(path))!;
            Directory.CreateDirectory(parent);
            acquired = TargetLock.Acquire(path);

            // A folder behind a link, or where a disk is mounted, cannot be replaced by another.
            var old = FileIdentity.OfLink(path);
            if (Directory.Exists(path) && (mayExist || old is not { IsDirectory: true, IsMountPoint: false }))
            {
                return new DurableFolder(path, path, false, acquired);
            }

            var hidden = Directory.CreateDirectory(Path.Combine(parent, TemporaryName.For(path))).FullName;
            if (old is { } empty)
            {
                File.SetUnixFileMode(hidden, File.GetUnixFileMode(path));
                _ = Posix.ChangeOwner(hidden, empty.Owner, empty.Group);
            }

            return new DurableFolder(path, hidden, old is not null, acquired);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            acquired?.Dispose();
            throw IoFailure.Of(error, path);
        }
    }

    /// <summary>Gives the folder its name.</summary>
    public void Commit()
    {
        committed = true;
        if (!isNew)
        {
            return;
        }

        try
        {
            Posix.FlushFolder(WritePath);
            Posix.Rename(WritePath, path, replacesEmpty);
            Posix.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (IOException error)
        {
            committed = false;
            throw IoFailure.Of(error, path);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!committed && isNew)
        {
            Directory.Delete(WritePath, recursive: true);
        }

        targetLock.Dispose();
    }
}
