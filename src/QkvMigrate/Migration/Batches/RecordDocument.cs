using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace QkvMigrate.Migration.Batches;

/// <summary>A document of an <see cref="OutputRecord"/>, which says which version of its form it has.</summary>
internal interface IRecordDocument
{
    /// <summary>The version.</summary>
    int SchemaVersion { get; }
}

/// <summary>Reads and writes such documents.</summary>
internal static class RecordDocument
{
    /// <summary>The version of the forms that this program reads and writes.</summary>
    public const int SchemaVersion = 1;

    /// <summary>A document's bytes, with a line's end.</summary>
    public static byte[] Write<T>(T document, JsonTypeInfo<T> type)
        where T : IRecordDocument =>
        [.. JsonSerializer.SerializeToUtf8Bytes(document, type), (byte)'\n'];

    /// <summary>The document in <paramref name="path"/>, or null where there is none.</summary>
    /// <exception cref="MigrationException">It is not one that this version wrote, or cannot be read.</exception>
    public static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class, IRecordDocument
    {
        try
        {
            var document = JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
            return document?.SchemaVersion == SchemaVersion
                ? document
                : throw new MigrationException(FailureKind.Unsupported, $"another version of qkvmigrate wrote this, expected schemaVersion {SchemaVersion}", path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException error)
        {
            throw new MigrationException(FailureKind.Malformed, "this is no record of qkvmigrate; remove the file to have the work done again", path, inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, path, inner: error);
        }
    }
}
