using System.Collections.Concurrent;
using QkvMigrate.Files;

namespace QkvMigrate.Trees;

/// <summary>The directories of a tree that were entered: nothing new may be written in any of them.</summary>
internal sealed class TreeFolders
{
    private readonly HashSet<FileKey> keys = [];
    private readonly ConcurrentDictionary<FileKey, bool> withNewFolders = [];

    /// <summary>The directories.</summary>
    public IReadOnlySet<FileKey> Keys => keys;

    /// <summary>Adds one.</summary>
    public void Add(FileKey folder) => keys.Add(folder);

    /// <summary>Whether a place is one of them or lies in one. A folder in which many new ones come to lie is looked for once.</summary>
    public bool Have(FilePlace place) =>
        place.Exists ? place.IsWithin(keys) : withNewFolders.GetOrAdd(place.Id.Key, _ => place.IsWithin(keys));
}
