using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace QkvMigrate.Exporting;

/// <summary>A small file that is written beside the weights.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">Its bytes.</param>
internal sealed record ExportedDocument(string Name, ReadOnlyMemory<byte> Content)
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A JSON document, indented by two and with a line break at its end, as Hugging Face's libraries write theirs.</summary>
    public static ExportedDocument Json(string name, JsonNode content)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            content.WriteTo(writer);
        }

        stream.WriteByte((byte)'\n');
        return new ExportedDocument(name, stream.ToArray());
    }
}
