using System.Collections.Concurrent;
using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Files;

namespace QkvMigrate.Running;

/// <summary>Knows which index names a file. Thousands of files of one directory can be named in one run: the directory is listed once.</summary>
internal sealed class ShardOwners
{
    private readonly ConcurrentDictionary<string, Lazy<Dictionary<string, string>>> directories = new(StringComparer.Ordinal);

    /// <summary>Refuses a shard that is to be migrated by itself.</summary>
    /// <exception cref="MigrationException">An index beside the file names it, or cannot be read.</exception>
    public void CheckAlone(string path)
    {
        var owners = directories.GetOrAdd(FilePlace.DirectoryOf(path), name => new(() => Read(name))).Value;
        if (owners.TryGetValue(Path.GetFileName(path), out var index))
        {
            throw new MigrationException(
                FailureKind.Usage,
                $"this is a shard of {index}; name the directory, so that the index and the other shards follow",
                path);
        }
    }

    /// <summary>The first index that names each file of a directory.</summary>
    private static Dictionary<string, string> Read(string directory)
    {
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var index in ShardIndex.Find(directory))
        {
            foreach (var entry in index.Entries)
            {
                owners.TryAdd(entry.File, Path.GetFileName(index.Path));
            }
        }

        return owners;
    }
}
