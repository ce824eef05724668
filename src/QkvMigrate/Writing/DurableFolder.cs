using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>
/// A folder that gets its name when all of it is written; it can take the place of an empty folder. Where a folder of that
/// name exists and may be written into, the files are written to a temporary folder too, and move one by one at the end.
/// </summary>
internal sealed class DurableFolder : IDisposable
{
    private readonly string path;
    private readonly bool isNew;
    private readonly bool replacesEmpty;
    private readonly TargetLock targetLock;
    private readonly UnsettledFiles unsettled = new();
    private bool isSettled;
    private bool committed;

    private DurableFolder(string path, string writePath, bool isNew, bool replacesEmpty, TargetLock targetLock)
    {
        this.replacesEmpty = replacesEmpty;
        this.targetLock = targetLock;
        this.path = path;
        this.isNew = isNew;
        WritePath = writePath;
    }

    /// <summary>Where to write until <see cref="Commit"/>.</summary>
    public string WritePath { get; }

    /// <summary>Starts a folder that will be called <paramref name="path"/>.</summary>
    /// <param name="path">The name. A folder that has it must be empty, unless it may be written into.</param>
    /// <param name="mayExist">Whether files of a folder of that name are replaced.</param>
    public static DurableFolder Create(string path, bool mayExist)
    {
        // With a separator at its end, the folder would be taken for its own parent.
        path = path.TrimEnd(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar) is { Length: > 0 } trimmed ? trimmed : path;
        TargetLock? acquired = null;
        try
        {
            var parent = Path.GetDirectoryName(Path.GetFullPath(path))!;
            DurablePath.Create(parent);
            acquired = TargetLock.Acquire(path);

            // A folder behind a link, or where a disk is mounted, cannot be replaced by another.
            var old = FileIdentity.OfLink(path);
            if (Directory.Exists(path) && (mayExist || old is not { IsDirectory: true, IsMountPoint: false }))
            {
                // Within the folder: into one that is a filesystem of its own, nothing is renamed from outside.
                var within = Directory.CreateDirectory(Path.Combine(path, TemporaryName.For(path))).FullName;
                return new DurableFolder(path, within, isNew: false, replacesEmpty: false, acquired);
            }

            var hidden = Directory.CreateDirectory(Path.Combine(parent, TemporaryName.For(path))).FullName;
            if (old is not null)
            {
                HostSystem.Current.KeepAccess(hidden, path);
            }

            return new DurableFolder(path, hidden, isNew: true, replacesEmpty: old is not null, acquired);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            acquired?.Dispose();
            throw IoFailure.Of(error, path);
        }
    }

    /// <summary>Starts a file.</summary>
    /// <param name="file">Its path, below <see cref="WritePath"/>.</param>
    /// <exception cref="MigrationException">The name is taken, or the folder cannot be written.</exception>
    public DurableFile CreateFile(string file) => DurableFile.CreateInNewFolder(file, unsettled);

    /// <summary>Has <paramref name="write"/> write what is in the folder. What goes wrong is told of the names that the user knows.</summary>
    /// <exception cref="MigrationException">Something went wrong.</exception>
    public void Fill(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw Known(IoFailure.Of(error, path));
        }
        catch (MigrationException error) when (error.Message.Contains(WritePath, StringComparison.Ordinal))
        {
            throw Known(error);
        }
    }

    /// <summary>Waits until the disk has all that was written. It is the last that is done before <see cref="Commit"/>, and need not be.</summary>
    /// <exception cref="MigrationException">It did not take something.</exception>
    public void Settle() => IoFailure.Naming(path, () =>
    {
        if (isSettled)
        {
            return;
        }

        // Where files move one by one, their names here are of no use.
        var names = isNew ? BeginFolders(WritePath) : [];
        unsettled.Settle();
        names.ForEach(name => name.Wait());
        isSettled = true;
    });

    /// <summary>Gives the folder its name, or its files theirs.</summary>
    /// <param name="meanwhile">What is begun while the disk takes the names, or null.</param>
    /// <exception cref="MigrationException">The system does not allow it, or the disk did not take something.</exception>
    public void Commit(Action? meanwhile = null)
    {
        Settle();
        IoFailure.Naming(path, () =>
        {
            List<DiskSync> names = [];
            if (isNew)
            {
                HostSystem.Current.Rename(WritePath, path, replacesEmpty);
                names.Add(DiskSync.BeginFolder(FilePlace.DirectoryOf(path)));
            }
            else
            {
                MoveInto(WritePath, path, names);
            }

            meanwhile?.Invoke();
            names.ForEach(name => name.Wait());
            if (!isNew)
            {
                Directory.Delete(WritePath, recursive: true);
            }

            committed = true;
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        unsettled.Dispose();
        if (!committed)
        {
            Leftover.Remove(() => Directory.Delete(WritePath, recursive: true));
        }

        targetLock.Dispose();
    }

    /// <summary>The same failure with the name that the folder will have in the place of its temporary one, which is gone when it is read.</summary>
    private MigrationException Known(MigrationException error) =>
        new(error.Kind, Known(error.Problem), error.File is { } file ? Known(file) : null, error.Where, error.Offset, error.InnerException);

    private string Known(string text) => text.Replace(WritePath, path, StringComparison.Ordinal);

    /// <summary>Begins to bring the names in a folder and in all folders below it to the disk. A folder behind a link is not part of this one.</summary>
    private static List<DiskSync> BeginFolders(string folder)
    {
        var below = FolderEntries.AtAnyDepth(folder).Where(FolderEntries.IsFolder).Select(found => found.FullName);
        return [.. below.Append(folder).Select(DiskSync.BeginFolder)];
    }

    /// <summary>Moves what is in a folder into another, a link to a folder as a link, and adds the syncs of the names that it gives to <paramref name="names"/>.</summary>
    private static void MoveInto(string from, string to, List<DiskSync> names)
    {
        Directory.CreateDirectory(to);
        var entries = new DirectoryInfo(from).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal).ToLookup(FolderEntries.IsFolder);
        foreach (var file in entries[false])
        {
            var target = Path.Combine(to, file.Name);
            KeepOwner(file.FullName, target);
            HostSystem.Current.Rename(file.FullName, target, replace: true);
        }

        foreach (var folder in entries[true])
        {
            MoveInto(folder.FullName, Path.Combine(to, folder.Name), names);
        }

        names.Add(DiskSync.BeginFolder(to));
    }

    /// <summary>A file that replaces another gets that one's owner, where this process may change the owner.</summary>
    private static void KeepOwner(string file, string replaced)
    {
        if (FileIdentity.OfLink(replaced) is { } old && FileIdentity.OfLink(file) is { IsLink: false })
        {
            using var handle = File.OpenHandle(file);
            HostSystem.Current.KeepOwner(handle, old);
        }
    }
}
