using System.Collections.Concurrent;
using QkvMigrate.Checkpoints.Sharded;

namespace QkvMigrate.Running;

/// <summary>Which index names a file, for the files of one run: thousands can be named in one directory, which is listed once.</summary>
internal sealed class ShardOwners
{
    private readonly ConcurrentDictionary<string, Lazy<Dictionary<string, string>>> directories = new(StringComparer.Ordinal);

    /// <summary>Refuses a file that is to be migrated by itself, where it is a shard.</summary>
    /// <exception cref="MigrationException">An index beside the file names it, or cannot be read.</exception>
    public void CheckAlone(string path)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (directories.GetOrAdd(directory, name => new(() => Read(name))).Value.TryGetValue(Path.GetFileName(path), out var index))
        {
            throw new MigrationException(FailureKind.Usage, $"this is a shard of {index}; name the directory, so that the index and the other shards follow", path);
        }
    }

    private static Dictionary<string, string> Read(string directory) => ShardIndex.Find(directory)
        .SelectMany(index => index.Entries.Select(entry => entry.File).Distinct(StringComparer.Ordinal).Select(file => (File: file, Index: Path.GetFileName(index.Path))))
        .GroupBy(shard => shard.File, StringComparer.Ordinal)
        .ToDictionary(same => same.Key, same => same.First().Index, StringComparer.Ordinal);
}
