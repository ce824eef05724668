using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace QkvMigrate.Migration.Batches;

/// <summary>The serializers of the documents of an <see cref="OutputRecord"/>, made when the library is built.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(TreeRecord))]
[JsonSerializable(typeof(ManifestEntry))]
[JsonSerializable(typeof(UnitRecord))]
internal sealed partial class RecordJson : JsonSerializerContext
{
    /// <summary>Enums are words in kebab-case, as in the reports; paths are written as they are, because nobody embeds these documents in HTML.</summary>
    public static RecordJson Readable => readable ??= new(new JsonSerializerOptions(Default.Options)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private static RecordJson? readable;
}
