using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Configuration;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>
/// The shards in a directory, as their indexes name them. A shard is migrated like any other checkpoint file; what it
/// takes from the others is the rest of its blocks, which the cut between two files may have separated, and the index
/// follows the names. An index without LitGPT's names is Hugging Face's own and none of this tool's business: LitGPT's
/// download leaves it behind, often without its shards.
/// </summary>
internal sealed class ShardSet
{
    private readonly List<(ShardIndex Index, Dictionary<string, IReadOnlyList<TensorEntry>> Shards)> sets;

    private ShardSet(List<(ShardIndex, Dictionary<string, IReadOnlyList<TensorEntry>>)> sets) => this.sets = sets;

    /// <summary>
    /// Reads the indexes in <paramref name="directory"/> and the headers of their shards. An <paramref name="error"/> says
    /// that a shard is missing or cannot be read, or that an index and its shards differ.
    /// </summary>
    public static ShardSet Open(string directory, out MigrationException? error)
    {
        try
        {
            error = null;
            return Read(directory);
        }
        catch (MigrationException failure)
        {
            error = failure;
            return new ShardSet([]);
        }
    }

    /// <summary>The failure of a unit that leaves out some shards of an index, or null.</summary>
    /// <param name="leftOut">The names of the checkpoint files that are left out.</param>
    public MigrationException? LeftOut(IReadOnlyList<string> leftOut)
    {
        foreach (var (index, shards) in sets)
        {
            if (shards.Keys.Intersect(leftOut).Order(StringComparer.Ordinal).FirstOrDefault() is { } shard)
            {
                return new MigrationException(
                    FailureKind.Target,
                    $"--include and --exclude leave out the shard {shard}, and its index cannot follow",
                    index.Path);
            }
        }

        return null;
    }

    /// <summary>The tensors in the other shards of the index that names <paramref name="file"/>; none where none does.</summary>
    public IReadOnlyList<TensorEntry> Beside(string file) =>
        [.. sets.Where(set => set.Shards.ContainsKey(file)).SelectMany(set => set.Shards.Where(shard => shard.Key != file)).SelectMany(shard => shard.Value)];

    /// <summary>The configuration's rewrite with the indexes that change, too.</summary>
    public ConfigurationRewrite AddTo(ConfigurationRewrite configuration, Conversion conversion)
    {
        foreach (var (index, _) in sets)
        {
            var renamed = index.Entries.Count(entry => conversion.Renamed(entry.Key) != entry.Key);
            if (renamed > 0)
            {
                var name = Path.GetFileName(index.Path);
                configuration = configuration with
                {
                    Files = [.. configuration.Files, new ConfigurationFile(name, index.Renamed(conversion.Renamed))],
                    Changes = [.. configuration.Changes, $"{name}: {renamed} names in weight_map"],
                    Advice = [.. configuration.Advice, .. WayBackAdvice(index, name, conversion)],
                };
            }
        }

        return configuration;
    }

    private static IEnumerable<Advice> WayBackAdvice(ShardIndex index, string name, Conversion conversion) =>
        index.ComesBack(conversion.Renamed, conversion.Inverse.Renamed)
            ? []
            : [new Advice("no-exact-way-back", $"undoing this will not give the old {name} byte for byte; nor can its checksum prove the new one")];

    private static ShardSet Read(string directory)
    {
        var found = new List<(ShardIndex, Dictionary<string, IReadOnlyList<TensorEntry>>)>();
        foreach (var index in ShardIndex.Find(directory))
        {
            var files = index.Entries.Select(entry => entry.File).Distinct().ToList();
            var shards = files.Select(file => (Name: file, Path: Path.Combine(directory, file)))
                .Where(file => File.Exists(file.Path))
                .ToDictionary(file => file.Name, file => ReadTensors(file.Path));
            if (!index.Entries.Select(entry => entry.Key).Concat(shards.Values.SelectMany(Names)).Any(IsFused))
            {
                continue;
            }

            if (files.Find(file => !shards.ContainsKey(file)) is { } missing)
            {
                throw new MigrationException(FailureKind.Malformed, $"the shard {missing} is not there", index.Path);
            }

            Check(index, shards);
            found.Add((index, shards));
        }

        return new ShardSet(found);
    }

    /// <summary>
    /// Index and shards name the same tensors. One may have the legacy name where the other has the upgraded one: an upgrade in
    /// place that was cut short leaves that behind, and running it again completes it.
    /// </summary>
    private static void Check(ShardIndex index, Dictionary<string, IReadOnlyList<TensorEntry>> shards)
    {
        var owners = new Dictionary<string, (string Key, string File)>();
        foreach (var entry in index.Entries)
        {
            if (!owners.TryAdd(Canonical(entry.Key), entry))
            {
                throw new MigrationException(
                    FailureKind.Conflict,
                    $"'{owners[Canonical(entry.Key)].Key}' and '{entry.Key}' are the legacy and the upgraded name of one tensor",
                    index.Path);
            }
        }

        foreach (var (file, tensors) in shards)
        {
            foreach (var name in Names(tensors))
            {
                if (!owners.Remove(Canonical(name), out var owner) || owner.File != file)
                {
                    throw new MigrationException(
                        FailureKind.Malformed,
                        $"the shard {file} has a tensor '{name}', which the index does not give it",
                        index.Path);
                }
            }
        }

        if (owners.Count > 0)
        {
            var (key, file) = owners.Values.First();
            throw new MigrationException(FailureKind.Malformed, $"'{key}' is said to be in the shard {file}, which has no such tensor", index.Path);
        }
    }

    private static IReadOnlyList<TensorEntry> ReadTensors(string path)
    {
        using var shard = Checkpoint.Open(path);
        return shard.Tensors;
    }

    private static IEnumerable<string> Names(IReadOnlyList<TensorEntry> tensors) =>
        tensors.Where(tensor => tensor.Container.Path.Length == 0).Named().Select(named => named.Name);

    private static bool IsFused(string name) =>
        FusedNames.TrySplit(name, LayoutFamilies.Interleaved.Module, out _, out _) || FusedNames.TrySplit(name, LayoutFamilies.Sequential.Module, out _, out _);

    private static string Canonical(string name) => Conversion.Upgrade.Renamed(name);
}
