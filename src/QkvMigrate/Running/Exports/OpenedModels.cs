using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Exporting;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Exports;

/// <summary>The checkpoints of a unit, opened, in sets that are one model each: a file, or the shards of an index.</summary>
internal sealed class OpenedModels : IDisposable
{
    private readonly List<Checkpoint> opened = [];

    private OpenedModels()
    {
    }

    /// <summary>The files of the model that is exported; none where the unit has no model of LitGPT's.</summary>
    public IReadOnlyList<Checkpoint> Model { get; private set; } = [];

    /// <summary>Opens the checkpoints and finds the model.</summary>
    /// <exception cref="MigrationException">A file cannot be read, or there are several models.</exception>
    public static OpenedModels Open(CheckpointUnit unit)
    {
        var models = new OpenedModels();
        try
        {
            models.Find(unit);
            return models;
        }
        catch
        {
            models.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => opened.ForEach(checkpoint => checkpoint.Dispose());

    private void Find(CheckpointUnit unit)
    {
        var sets = Sets(unit).ConvertAll(files => files.ConvertAll(Open));
        var found = sets.ConvertAll(files => (Files: files, Tensors: TryFind(files))).FindAll(set => set.Tensors is not null);

        // A LoRA or an adapter beside its model is a part, and not the model.
        var whole = found.FindAll(set => set.Tensors!.Tensors.ContainsKey($"{ModelParameters.Embedding}.weight"));
        var models = whole.Count > 0 ? whole : found;
        if (models.Count > 1)
        {
            throw new MigrationException(
                FailureKind.Conflict,
                "there are several models in this directory: "
                + $"{string.Join(", ", models.Select(model => Path.GetFileName(model.Files[0].Source.Path)).Order(StringComparer.Ordinal))}; name one of them",
                unit.Root);
        }

        Model = models.Count == 0 ? [] : models[0].Files;

        Checkpoint Open(string name)
        {
            var checkpoint = Checkpoint.Open(Path.Combine(unit.Root, name));
            opened.Add(checkpoint);
            return checkpoint;
        }
    }

    private static ModelTensors? TryFind(List<Checkpoint> files)
    {
        try
        {
            return ModelTensors.Find(files);
        }
        catch (MigrationException error)
        {
            throw error.InFile(files[0].Source.Path);
        }
    }

    /// <summary>The names of the files of each set.</summary>
    private static List<List<string>> Sets(CheckpointUnit unit)
    {
        var sets = new List<List<string>>();
        var sharded = new HashSet<string>(StringComparer.Ordinal);
        foreach (var index in ShardIndex.Find(unit.Root))
        {
            var files = index.Entries.Select(entry => entry.File).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            if (files.Exists(unit.Checkpoints.Contains) && files.Find(file => !unit.Checkpoints.Contains(file)) is { } missing)
            {
                throw new MigrationException(FailureKind.Malformed, $"the shard {missing} is not there, or was left out", index.Path);
            }

            if (files.TrueForAll(unit.Checkpoints.Contains))
            {
                sets.Add(files);
                sharded.UnionWith(files);
            }
        }

        sets.AddRange(unit.Checkpoints.Where(file => !sharded.Contains(file)).Select(file => new List<string> { file }));
        return sets;
    }
}
