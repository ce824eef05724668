using System.Text;
using System.Text.Json.Serialization.Metadata;
using QkvMigrate.Files;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>A document of an <see cref="OutputAccount"/> about one unit.</summary>
internal interface IUnitDocument : IRecordDocument
{
    /// <summary>The unit's path below the tree; empty for the tree's own directory.</summary>
    string Path { get; }
}

/// <summary>A folder of an <see cref="OutputAccount"/> with a document for each unit, so that jobs and shards never share one.</summary>
/// <param name="folder">The folder, which need not be there.</param>
/// <param name="turns">The folder in which runs tell each other that they work on a unit.</param>
/// <param name="type">The form of the documents.</param>
internal sealed class UnitDocuments<T>(string folder, string turns, JsonTypeInfo<T> type)
    where T : class, IUnitDocument
{
    private const string Extension = ".json";
    private const int NameDigits = 32;

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>The file of a unit's document.</summary>
    public string FileOf(string unit) => Path.Combine(folder, NameOf(unit) + Extension);

    /// <summary>The file by which runs tell each other that they work on a unit.</summary>
    public string TurnOf(string unit) => Path.Combine(turns, NameOf(unit));

    /// <summary>Whether a unit has a document.</summary>
    public bool Has(string unit) => File.Exists(FileOf(unit));

    /// <summary>A unit's document, or null.</summary>
    /// <exception cref="MigrationException">This version cannot read the document.</exception>
    public T? Read(string unit) => ReadFile(FileOf(unit));

    /// <summary>A unit's document, or null, also where this version cannot read it: that is reported in the unit's turn.</summary>
    public T? ReadUsable(string unit) => TryReadFile(FileOf(unit));

    /// <summary>All documents.</summary>
    /// <exception cref="MigrationException">This version cannot read one of them, or the folder cannot be read.</exception>
    public IEnumerable<T> ReadAll() => Files().Select(ReadFile).OfType<T>();

    /// <summary>
    /// What <paramref name="select"/> makes of each document, by its file; null for those that this version cannot read: these are reported in their
    /// unit's turn. A document whose file is the same as before is not read again: each new one is another file, which gets the name.
    /// </summary>
    /// <param name="select">Called by several threads.</param>
    /// <param name="before">What this has returned before.</param>
    /// <exception cref="MigrationException">The folder cannot be read.</exception>
    public Dictionary<string, SeenDocument<TResult>> SelectUsable<TResult>(Func<T, TResult> select, IReadOnlyDictionary<string, SeenDocument<TResult>> before)
        where TResult : class
    {
        var files = Files();
        return files.Zip(SideBySide.Select(files, Select)).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);

        SeenDocument<TResult> Select(string file)
        {
            // It may be replaced until it is read: then it is another one the next time.
            var state = FileIdentity.Of(file);
            return before.TryGetValue(file, out var known) && known.File == state ? known
                : new SeenDocument<TResult>(state, TryReadFile(file) is { } document ? select(document) : null);
        }
    }

    /// <summary>Writes the document of a unit of which this run has the turn, durably.</summary>
    public void Write(T document)
    {
        using var file = Begin(document);
        file.Commit();
    }

    /// <summary>Writes the document of a unit of which this run has the turn, under a temporary name until it is committed.</summary>
    public DurableFile Begin(T document) => DurableFile.BeginInTurn(FileOf(document.Path), TurnOf(document.Path), RecordDocument.Write(document, type));

    /// <summary>Writes the document of a unit of which nobody takes the turn, durably.</summary>
    public void WriteShared(T document) => DurableFile.WriteShared(FileOf(document.Path), RecordDocument.Write(document, type));

    /// <summary>Removes a unit's document.</summary>
    public void Remove(string unit) => File.Delete(FileOf(unit));

    private T? ReadFile(string file)
    {
        var document = RecordDocument.Read(file, type);

        // Two documents could be of one unit.
        return document is null || Path.GetFileName(file) == NameOf(document.Path) + Extension
            ? document
            : throw RecordDocument.NoRecord(file, $"it is that of '{document.Path}', which has another name");
    }

    private T? TryReadFile(string file)
    {
        try
        {
            return ReadFile(file);
        }
        catch (MigrationException error) when (error.Kind is FailureKind.Malformed or FailureKind.Unsupported)
        {
            return null;
        }
    }

    private IReadOnlyList<string> Files()
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, $"*{Extension}").Where(file => !TemporaryName.Is(Path.GetFileName(file)))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw IoFailure.OfReading(error, folder);
        }
    }

    /// <summary>The name is a digest, because a path can be longer than the name of a file may be, and one path can be the beginning of another.</summary>
    private static string NameOf(string unit) => FileDigest.Of(Encoding.UTF8.GetBytes(unit))[..NameDigits];
}
