using System.Text.Json;
using System.Text.Unicode;
using QkvMigrate.Checkpoints.JsonTexts;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.Sharded;

/// <summary>
/// The index of a checkpoint in several files, <c>{"metadata": {...}, "weight_map": {KEY: FILE}}</c>, which stands beside
/// them as <c>model.safetensors.index.json</c> or <c>pytorch_model.bin.index.json</c> (transformers,
/// <c>modeling_utils.py</c>, <c>save_pretrained</c>).
/// </summary>
internal sealed class ShardIndex
{
    /// <summary>More than the index of any model has: a key and a file name for each tensor, which is 100 bytes.</summary>
    public const int MaximumBytes = 32 << 20;

    private const string WeightMap = "weight_map";

    /// <summary>What is made of an entry besides its name: its place in a list, and in a dictionary while the shards are held against it.</summary>
    private const int EntryBytes = 120;

    private static readonly string[] Endings = [".safetensors.index.json", ".bin.index.json", ".pth.index.json"];

    private readonly byte[] json;
    private readonly List<(JsonKey Key, string File)> entries;

    private ShardIndex(string path, byte[] json, List<(JsonKey Key, string File)> entries)
    {
        Path = path;
        this.json = json;
        this.entries = entries;
    }

    /// <summary>The index's own path.</summary>
    public string Path { get; }

    /// <summary>The name of each tensor and the name of the file, beside the index, that holds it.</summary>
    public IEnumerable<(string Key, string File)> Entries => entries.Select(entry => (entry.Key.Text, entry.File));

    /// <summary>Whether a file is called as an index is.</summary>
    public static bool IsNameOfOne(string name) => Endings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>The indexes that stand in <paramref name="directory"/>, in the order of their names.</summary>
    /// <exception cref="MigrationException">One cannot be read, or is no index.</exception>
    public static IReadOnlyList<ShardIndex> Find(string directory) =>
        [.. Directory.EnumerateFiles(directory).Where(IsNameOfOne)
            .Order(StringComparer.Ordinal)
            .Select(Read)];

    /// <summary>The index with its keys renamed and every other byte as it is.</summary>
    /// <param name="rename">The new name of a key, or the same.</param>
    public byte[] Renamed(Func<string, string> rename) =>
        JsonKeyEditor.Rename(json, entries.Select(entry => (entry.Key, Name: rename(entry.Key.Text))).Where(entry => entry.Name != entry.Key.Text));

    /// <summary>Whether renaming and renaming back gives the same bytes: an escape within what is renamed is lost.</summary>
    /// <param name="rename">The new name of a key, or the same.</param>
    /// <param name="back">The old name of a new key, or the same.</param>
    public bool ComesBack(Func<string, string> rename, Func<string, string> back) =>
        Parse(Path, Renamed(rename)).Renamed(back).AsSpan().SequenceEqual(json);

    private static ShardIndex Read(string path) => Parse(path, SourceFile.ReadAll(path, MaximumBytes, "an index"));

    private static ShardIndex Parse(string path, byte[] text)
    {
        var budget = new DirectoryBudget("index", text.Length);
        if (!Utf8.IsValid(text))
        {
            throw Malformed(path, 0, "the index is not valid UTF-8");
        }

        var reader = new Utf8JsonReader(text);
        try
        {
            return new ShardIndex(path, text, ReadEntries(path, ref reader, budget));
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Malformed(path, reader.BytesConsumed, "the index is not valid JSON");
        }
    }

    private static List<(JsonKey Key, string File)> ReadEntries(string path, ref Utf8JsonReader reader, DirectoryBudget budget)
    {
        List<(JsonKey, string)>? found = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Malformed(path, 0, "the index is no dict");
        }

        // Readers differ in which of two values they take.
        var names = new HashSet<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = JsonKey.At(ref reader).Text;
            budget.Spend(DirectoryBudget.Name(name.Length));
            if (!names.Add(name))
            {
                throw Malformed(path, reader.TokenStartIndex, $"{name} stands twice");
            }

            var isMap = name == WeightMap;
            reader.Read();
            if (isMap)
            {
                found = ReadMap(path, ref reader, budget);
            }
            else
            {
                reader.Skip();
            }
        }

        reader.Read();
        return found ?? throw Malformed(path, 0, $"the index has no {WeightMap}");
    }

    private static List<(JsonKey Key, string File)> ReadMap(string path, ref Utf8JsonReader reader, DirectoryBudget budget)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Malformed(path, reader.TokenStartIndex, $"{WeightMap} is no dict");
        }

        var found = new List<(JsonKey, string)>();
        var names = new HashSet<string>();
        var files = new HashSet<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = JsonKey.At(ref reader);
            if (!names.Add(key.Text))
            {
                throw Malformed(path, reader.TokenStartIndex, $"the key '{key.Text}' stands twice");
            }

            budget.Spend(EntryBytes + DirectoryBudget.Name(key.Text.Length));
            reader.Read();
            if (reader.TokenType != JsonTokenType.String || reader.GetString() is not { } file || !IsBeside(file))
            {
                throw Malformed(path, reader.TokenStartIndex, $"'{key.Text}' names no file in the index's own directory");
            }

            // Many tensors, few files: each file's name is kept once.
            if (files.TryGetValue(file, out var known))
            {
                file = known;
            }
            else
            {
                budget.Spend(DirectoryBudget.Name(file.Length));
                files.Add(file);
            }

            found.Add((key, file));
        }

        return found;
    }

    private static bool IsBeside(string file) => file.Length > 0 && file is not ("." or "..") && file.AsSpan().IndexOfAny('/', '\\', '\0') < 0 && !System.IO.Path.IsPathRooted(file);

    private static MigrationException Malformed(string path, long offset, string problem) =>
        new(FailureKind.Malformed, problem, path, offset: offset);
}
