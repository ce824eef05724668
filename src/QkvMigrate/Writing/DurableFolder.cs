namespace QkvMigrate.Writing;

/// <summary>
/// A folder that gets its name when all of it is written. Where a folder of that name is there already, and may be
/// written into, its files are replaced one by one instead.
/// </summary>
internal sealed class DurableFolder : IDisposable
{
    private readonly string path;
    private readonly bool isNew;
    private readonly TargetLock targetLock;
    private bool committed;

    private DurableFolder(string path, string writePath, TargetLock targetLock)
    {
        this.targetLock = targetLock;
        this.path = path;
        WritePath = writePath;
        isNew = writePath != path;
    }

    /// <summary>Where to write until <see cref="Commit"/>.</summary>
    public string WritePath { get; }

    /// <summary>Starts a folder that will be called <paramref name="path"/>.</summary>
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
            return mayExist && Directory.Exists(path)
                ? new DurableFolder(path, path, acquired)
                : new DurableFolder(path, Directory.CreateDirectory(Path.Combine(parent, TemporaryName.For(path))).FullName, acquired);
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
            Posix.Rename(WritePath, path, replace: false);
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
