using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace QkvMigrate.Cli.Rendering.Documents;

/// <summary>Serializers that are made when the program is built, so that no start pays for them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(JsonDocumentRoot))]
internal sealed partial class JsonReportContext : JsonSerializerContext
{
    /// <summary>Paths and quotes are written as they are: nobody embeds this document in HTML unescaped.</summary>
    public static JsonReportContext Readable =>
        readable ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static JsonReportContext? readable;
}
