using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using QkvMigrate.Files;

namespace QkvMigrate.Running.Batches;

/// <summary>A document of an <see cref="OutputAccount"/>, which says which version of its form it has.</summary>
internal interface IRecordDocument
{
    /// <summary>The version.</summary>
    int SchemaVersion { get; }

    /// <summary>What the document holds that no run writes, or null. Whatever the types allow is read, from whoever wrote it.</summary>
    string? Problem();
}

/// <summary>Reads and writes such documents. They are read with the care that any file of a stranger gets.</summary>
internal static class RecordDocument
{
    /// <summary>The version of the forms that this program writes. It reads those before it too.</summary>
    public const int SchemaVersion = 2;

    /// <summary>The most bytes that a document may have: enough for a tree of 200,000 units, or a unit of 100,000 files.</summary>
    private const int MaximumBytes = 64 << 20;

    /// <summary>A document's bytes, with a line's end.</summary>
    /// <exception cref="MigrationException">They are more than <see cref="Read"/> takes.</exception>
    public static byte[] Write<T>(T document, JsonTypeInfo<T> type)
        where T : IRecordDocument
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(document, type);
        return bytes.Length < MaximumBytes
            ? [.. bytes, (byte)'\n']
            : throw new MigrationException(
                FailureKind.Unsupported,
                $"its record would take {bytes.Length} bytes, more than the {MaximumBytes} that one may have; work on parts of the "
                + "tree, into outputs of their own");
    }

    /// <summary>The document in <paramref name="path"/>, or null where there is none.</summary>
    /// <exception cref="MigrationException">It is not one that this version wrote, or cannot be read.</exception>
    public static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class, IRecordDocument
    {
        try
        {
            if (SourceFile.ReadAllIfThere(path, MaximumBytes, "a record") is not { } bytes)
            {
                return null;
            }

            var document = JsonSerializer.Deserialize(bytes, type) ?? throw NoRecord(path, "null");
            if (document.SchemaVersion is < 1 or > SchemaVersion)
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"another version of qkvmigrate wrote this, expected schemaVersion 1 to {SchemaVersion}",
                    path);
            }

            if (document.Problem() is { } problem)
            {
                throw NoRecord(path, problem);
            }

            return document;
        }
        catch (JsonException error)
        {
            throw NoRecord(path, "it is not JSON of the form that is expected", error);
        }
    }

    /// <summary>The failure of a file that stands in a record's place and is none.</summary>
    public static MigrationException NoRecord(string path, string problem, Exception? inner = null) =>
        new(FailureKind.Malformed, $"this is no record of qkvmigrate: {problem}; remove the file to have the work done again", path, inner: inner);
}
