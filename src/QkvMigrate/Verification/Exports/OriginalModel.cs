using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification.Exports;

/// <summary>LitGPT's model in a checkpoint, by the verifier's own reading of its names.</summary>
internal sealed class OriginalModel : IDisposable
{
    private const string Root = "transformer";
    private const string Head = "lm_head";
    private static readonly HashSet<string> Parts = ["wte", "h", "ln_f"];

    private readonly bool isOwner;

    private OriginalModel(IReadOnlyList<Checkpoint> files, string directory, bool isOwner)
    {
        (Files, Directory, this.isOwner) = (files, directory, isOwner);
        Tensors = Read(files);
        Layout = LayoutOf(Tensors);
    }

    /// <summary>The files: one, or the shards of one model.</summary>
    public IReadOnlyList<Checkpoint> Files { get; }

    /// <summary>Where its configuration and tokenizer lie.</summary>
    public string Directory { get; }

    /// <summary>The tensors by the names that they have in LitGPT's model of today, without what wraps it.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>The layout of the fused rows.</summary>
    public VerifiedLayout Layout { get; }

    /// <summary>A model in files that are open already, and stay so.</summary>
    /// <exception cref="MigrationException">There is no model in them, or more than one.</exception>
    public static OriginalModel Of(IReadOnlyList<Checkpoint> files, string directory) => new(files, directory, isOwner: false);

    /// <summary>Opens the model at <paramref name="path"/>: a checkpoint file, or a directory with one model in it.</summary>
    /// <param name="path">The file or directory.</param>
    /// <param name="isSelected">Which files of the directory are looked at, by their names.</param>
    /// <exception cref="MigrationException">A file cannot be read, or there is no model, or more than one.</exception>
    public static OriginalModel Open(string path, Func<string, bool> isSelected)
    {
        var opened = new List<Checkpoint>();
        try
        {
            if (!System.IO.Directory.Exists(path))
            {
                opened.Add(Checkpoint.Open(path));
                return new OriginalModel(opened, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, isOwner: true);
            }

            var model = ModelIn(path, isSelected, opened);
            foreach (var other in opened.Except(model))
            {
                other.Dispose();
            }

            return new OriginalModel(model, path, isOwner: true);
        }
        catch
        {
            opened.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in isOwner ? Files : [])
        {
            file.Dispose();
        }
    }

    /// <summary>The files of the model in a directory: those with an embedding before those that are a part of a model.</summary>
    private static List<Checkpoint> ModelIn(string directory, Func<string, bool> isSelected, List<Checkpoint> opened)
    {
        var names = FolderListing.Of(directory).Files
            .Where(isSelected)
            .Where(name => FolderListing.LooksLikeCheckpoint(Path.Combine(directory, name)))
            .ToList();
        var owners = ShardIndex.Find(directory)
            .SelectMany(index => index.Entries.Select(entry => (entry.File, index.Path)))
            .Distinct()
            .ToLookup(entry => entry.File, entry => entry.Path);
        var sets = names.GroupBy(name => owners[name].FirstOrDefault() ?? name).Select(set => set.Select(name =>
        {
            var file = Checkpoint.Open(Path.Combine(directory, name));
            opened.Add(file);
            return file;
        }).ToList()).ToList();
        var models = sets.ConvertAll(set => (Files: set, Ways: WaysIn(set))).FindAll(set => set.Ways.Count > 0);
        var whole = models.FindAll(set => set.Ways.Values.Any(tensors => tensors.ContainsKey($"{Root}.wte.weight")));
        return (whole.Count > 0 ? whole : models) switch
        {
            [var only] => only.Files,
            [] => throw NoModel(directory),
            var several => throw new MigrationException(
                FailureKind.Conflict,
                $"there are {several.Count} models in this directory; name the file of one",
                directory),
        };
    }

    private static Dictionary<string, TensorEntry> Read(IReadOnlyList<Checkpoint> files)
    {
        var ways = WaysIn(files);
        return ways.Count switch
        {
            1 => ways.Values.Single(),
            0 => throw NoModel(files[0].Source.Path),
            _ => throw new MigrationException(FailureKind.Conflict, $"there are {ways.Count} models in it", files[0].Source.Path),
        };
    }

    private static MigrationException NoModel(string path) => new(FailureKind.Unsupported, "there is no model of LitGPT's in it", path);

    /// <summary>The models: the tensors behind each way to names that begin as LitGPT's do, where some of them are of attention.</summary>
    private static Dictionary<string, Dictionary<string, TensorEntry>> WaysIn(IReadOnlyList<Checkpoint> files)
    {
        var ways = new Dictionary<string, Dictionary<string, TensorEntry>>();
        foreach (var file in files)
        {
            var states = file.Optimizers.SelectMany(optimizer => optimizer.StateContainers).ToHashSet();
            foreach (var tensor in file.Tensors.Where(tensor => tensor.Name is not null && !states.Contains(tensor.Container)))
            {
                var steps = WrapperParts.Bare($"{tensor.Container.Path.Replace('/', '.')}.{tensor.Name!.Text}")
                    .Split('.', StringSplitOptions.RemoveEmptyEntries);
                var start = Array.FindIndex(steps, step => step is Root or Head);
                if (start < 0 || start + 1 == steps.Length || (steps[start] == Root && !Parts.Contains(steps[start + 1])))
                {
                    continue;
                }

                var way = string.Join('.', steps[..start]);
                if (!ways.TryGetValue(way, out var tensors))
                {
                    ways.Add(way, tensors = []);
                }

                if (!tensors.TryAdd(string.Join('.', steps[start..]), tensor))
                {
                    throw new MigrationException(FailureKind.Conflict, "it stands twice in the model", file.Source.Path, $"tensor '{tensor.Label}'");
                }
            }
        }

        return ways
            .Where(way => way.Value.Keys.Any(name => name.StartsWith($"{Root}.h.", StringComparison.Ordinal) && (name.Contains($".{FusedName.Block}.", StringComparison.Ordinal) || name.EndsWith(".lora_A", StringComparison.Ordinal))))
            .ToDictionary();
    }

    private static VerifiedLayout LayoutOf(IReadOnlyDictionary<string, TensorEntry> tensors)
    {
        var layouts = VerifiedLayouts.All.Where(layout => tensors.Keys.Any(name => FusedName.Find(name, layout) is not null)).ToList();
        return layouts switch
        {
            [var only] => only,
            [] => VerifiedLayouts.All[^1],
            _ => throw new MigrationException(FailureKind.Conflict, "legacy and upgraded names stand in one model", tensors.Values.First().Storage.Source.Path),
        };
    }
}
