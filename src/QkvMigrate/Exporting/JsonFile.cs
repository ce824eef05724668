using System.Text.Json;
using System.Text.Json.Nodes;
using QkvMigrate.Configuration;

namespace QkvMigrate.Exporting;

/// <summary>Reads a small JSON document of Hugging Face's that lies beside a checkpoint.</summary>
internal static class JsonFile
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>The object in a file; null where there is no such file.</summary>
    /// <exception cref="MigrationException">It cannot be read, or has no object in it.</exception>
    public static JsonObject? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var document = JsonNode.Parse(
                ConfigurationReader.ReadText(path).TrimStart(ConfigurationReader.ByteOrderMark),
                documentOptions: Options) as JsonObject
                ?? throw new MigrationException(FailureKind.Malformed, "no JSON object", path);

            // Texts are looked at when they are used: half a surrogate pair is met here, and not later.
            _ = document.ToJsonString();
            return document;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new MigrationException(FailureKind.Malformed, $"no JSON object: {error.Message}", path, inner: error);
        }
    }
}
