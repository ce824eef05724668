using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Sharded;

namespace QkvMigrate.Verification;

/// <summary>
/// The models in a directory that an index cuts into several files, by the verifier's own reading: a block may have its
/// fused matrix in one file and its projection in another. An index without LitGPT's names is not looked at further.
/// </summary>
internal sealed class ModelShards
{
    private readonly List<Dictionary<string, IReadOnlyList<TensorEntry>>> models = [];

    /// <summary>Reads each index in <paramref name="directory"/> and the headers of its shards.</summary>
    /// <exception cref="MigrationException">A shard is missing or cannot be read, or an index and its shards name different tensors.</exception>
    public ModelShards(string directory)
    {
        foreach (var index in ShardIndex.Find(directory))
        {
            var named = index.Entries.GroupBy(entry => entry.File, entry => entry.Key).ToList();
            var present = named
                .Where(shard => File.Exists(Path.Combine(directory, shard.Key)))
                .ToDictionary(shard => shard.Key, shard => Tensors(Path.Combine(directory, shard.Key)));
            if (!index.Entries.Select(entry => entry.Key).Concat(present.Values.SelectMany(Keys)).Any(FusedName.IsIn))
            {
                continue;
            }

            foreach (var shard in named)
            {
                Check(index.Path, shard.Key, shard, present);
            }

            models.Add(present);
        }
    }

    /// <summary>The tensors in the other files of the model that <paramref name="file"/> is a part of; none where it is a whole model.</summary>
    public IReadOnlyList<TensorEntry> Beside(string file) =>
        [.. models.Where(model => model.ContainsKey(file)).SelectMany(model => model.Where(shard => shard.Key != file)).SelectMany(shard => shard.Value)];

    /// <summary>An index and a shard have the same keys, whichever age either's names are of.</summary>
    private static void Check(string index, string file, IEnumerable<string> keys, Dictionary<string, IReadOnlyList<TensorEntry>> present)
    {
        if (!present.TryGetValue(file, out var tensors))
        {
            throw new MigrationException(FailureKind.Malformed, $"the shard {file} is not there", index);
        }

        var wanted = new HashSet<string>();
        foreach (var key in keys)
        {
            if (!wanted.Add(FusedName.Today(key)))
            {
                throw new MigrationException(FailureKind.Conflict, $"'{key}' stands there under its legacy and under its upgraded name", index);
            }
        }

        foreach (var key in Keys(tensors))
        {
            if (!wanted.Remove(FusedName.Today(key)))
            {
                throw new MigrationException(FailureKind.Malformed, $"the shard {file} has a tensor '{key}', which the index does not give it", index);
            }
        }

        if (wanted.FirstOrDefault() is { } missing)
        {
            throw new MigrationException(FailureKind.Malformed, $"'{missing}' is said to be in the shard {file}, which has no such tensor", index);
        }
    }

    private static IReadOnlyList<TensorEntry> Tensors(string path)
    {
        using var shard = Checkpoint.Open(path);
        return shard.Tensors;
    }

    private static IEnumerable<string> Keys(IReadOnlyList<TensorEntry> tensors) =>
        tensors.Where(tensor => tensor.Name is not null && tensor.Container.Path.Length == 0).Select(tensor => tensor.Name!.Text);
}
