using System.Globalization;
using System.Text.Json;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Safetensors;
using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification.Exports;

/// <summary>An exported model: its files of weights, opened, and the names of all others.</summary>
internal sealed class ExportedFolder : IDisposable
{
    /// <summary>The only file of a model's weights.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>The index of several.</summary>
    public const string IndexName = "model.safetensors.index.json";

    /// <summary>The weights of an adapter.</summary>
    public const string AdapterName = "adapter_model.safetensors";

    private readonly List<Checkpoint> opened = [];
    private readonly Dictionary<string, TensorEntry> tensors = [];
    private readonly HashSet<string> names;

    private ExportedFolder(string path)
    {
        Path = path;
        var hasRecord = RecordNames.AreIn(path);
        names = Directory.EnumerateFileSystemEntries(path).Select(entry => System.IO.Path.GetFileName(entry))
            .Where(name => !(hasRecord && name is RecordNames.Folder or RecordNames.Checksums)).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors => tensors;

    /// <summary>The names of files and folders that nobody has asked for yet.</summary>
    public IReadOnlySet<string> Left => names;

    /// <summary>Bytes of its files of weights.</summary>
    public long WeightBytes => opened.Sum(file => file.Source.Length);

    /// <summary>Opens the files of weights, and holds index, headers and files against each other.</summary>
    /// <exception cref="MigrationException">A file cannot be read.</exception>
    public static ExportedFolder Open(string path, DifferenceLog log)
    {
        var folder = new ExportedFolder(path);
        try
        {
            if (folder.Take(AdapterName))
            {
                folder.OpenWeights(AdapterName, log);
            }
            else if (folder.Take(SingleName))
            {
                folder.OpenWeights(SingleName, log);
            }
            else
            {
                folder.OpenShards(log);
            }

            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a file of that name; it is accounted for.</summary>
    public bool Take(string name) => names.Remove(name);

    /// <summary>The path of a file.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose() => opened.ForEach(file => file.Dispose());

    private void OpenShards(DifferenceLog log)
    {
        const string place = $"file '{IndexName}'";
        if (!Take(IndexName))
        {
            log.Add($"file '{SingleName}'", $"it is not there, and no {IndexName}");
            return;
        }

        if (ReadMap(log) is not { } map || ExportedJson.Read(At(IndexName), place, log) is not { } index)
        {
            return;
        }

        var files = map.Values.Distinct().Order(StringComparer.Ordinal).ToList();
        foreach (var (i, file) in files.Index())
        {
            var expected = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{files.Count:D5}.safetensors");
            if (file != expected)
            {
                log.Add(place, $"it names a file '{file}', expected {expected}");
            }

            if (Take(file))
            {
                OpenWeights(file, log, map);
            }
            else
            {
                log.Add($"file '{file}'", $"it is not there, and {IndexName} names it");
            }
        }

        foreach (var (name, file) in map.Where(entry => !tensors.ContainsKey(entry.Key)))
        {
            log.Add($"tensor '{name}'", $"{IndexName} says it is in '{file}', which has none of that name");
        }

        var said = index.Where(leaf => !leaf.Key.StartsWith("weight_map", StringComparison.Ordinal)).ToDictionary();
        var size = tensors.Values.Sum(tensor => tensor.Storage.Length);
        ExportedJson.Compare(new Dictionary<string, string> { ["{}"] = "an object", ["metadata{}"] = "an object", ["metadata/total_size"] = size.ToString(CultureInfo.InvariantCulture) }, said, place, log);
    }

    private Dictionary<string, string>? ReadMap(DifferenceLog log)
    {
        try
        {
            return ShardIndex.Find(Path)
                .SingleOrDefault(index => System.IO.Path.GetFileName(index.Path) == IndexName)?.Entries
                .ToDictionary(entry => entry.Key, entry => entry.File);
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Io)
        {
            log.Add($"file '{IndexName}'", error.Problem, error.Offset);
            return null;
        }
    }

    private void OpenWeights(string name, DifferenceLog log, Dictionary<string, string>? map = null)
    {
        try
        {
            var file = Checkpoint.Open(At(name));
            opened.Add(file);
            if (file is not SafetensorsCheckpoint { Header: var header })
            {
                log.Add($"file '{name}'", $"it is {file.Format}, expected safetensors");
                return;
            }

            CheckHeader(name, header, log);
            foreach (var tensor in file.Tensors)
            {
                if (!tensors.TryAdd(tensor.Label, tensor))
                {
                    log.Add($"tensor '{tensor.Label}'", $"it stands in '{name}' and in another file");
                }
                else if (map is not null && map.GetValueOrDefault(tensor.Label) is var said && said != name)
                {
                    log.Add($"tensor '{tensor.Label}'", $"it is in '{name}', and {IndexName} says {(said is null ? "nothing of it" : $"it is in '{said}'")}");
                }
            }
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Io)
        {
            log.Add($"file '{name}'{(error.Where is null ? "" : $" {error.Where}")}", error.Problem, error.Offset);
        }
    }

    /// <summary>What a reader passes over and a library looks at: that the tensors are PyTorch's, and aligned.</summary>
    private static void CheckHeader(string name, SafetensorsHeader header, DifferenceLog log)
    {
        var place = $"file '{name}' safetensors header";
        if (header.DataOffset % sizeof(ulong) != 0)
        {
            log.Add(place, $"the tensors start at byte {header.DataOffset}, expected a multiple of {sizeof(ulong)}");
        }

        using var json = JsonDocument.Parse(header.Json);
        ExportedJson.Compare(
            new Dictionary<string, string> { ["{}"] = "an object", ["format"] = "\"pt\"" },
            json.RootElement.TryGetProperty("__metadata__", out var metadata) ? ExportedJson.Leaves(metadata) : [],
            $"{place} __metadata__",
            log);
        foreach (var tensor in json.RootElement.EnumerateObject().Where(tensor => tensor.Name != "__metadata__"))
        {
            foreach (var field in tensor.Value.EnumerateObject().Where(field => field.Name is not ("dtype" or "shape" or "data_offsets")))
            {
                log.Add(place, $"'{tensor.Name}' has a field {field.Name}, which the format does not have");
            }
        }
    }
}
