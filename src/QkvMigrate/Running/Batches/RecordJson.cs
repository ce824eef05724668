using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Verification;

namespace QkvMigrate.Running.Batches;

/// <summary>The serializers of the documents of an <see cref="OutputAccount"/>, made when the library is built.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    WriteIndented = true)]
[JsonSerializable(typeof(TreeRecord))]
[JsonSerializable(typeof(ManifestEntry))]
[JsonSerializable(typeof(PartsRecord))]
[JsonSerializable(typeof(UnitReportRecord))]
[JsonSerializable(typeof(InPlaceFacts))]
internal sealed partial class RecordJson : JsonSerializerContext
{
    /// <summary>Enums are words in kebab-case, as in the reports; paths are written as they are, because nobody embeds these documents in HTML.</summary>
    public static RecordJson Readable => readable ??= new(new JsonSerializerOptions(Default.Options)
    {
        // One by one: a converter for any enum makes these at run time, which a program that was compiled ahead cannot.
        Converters =
        {
            new WordConverter<Conversion>(Layouts.Conversion.Named, conversion => conversion.Name, "a direction"),
            new WordConverter<LayoutFamily>(LayoutFamilies.Named, family => family.Name, "a layout"),
            Words<CheckpointFormat>(), Words<CheckpointStatus>(), Words<FailureKind>(),
            Words<LoraTreatment>(), Words<ManifestState>(), Words<VerificationMode>(),
        },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private static RecordJson? readable;

    private static JsonStringEnumConverter<T> Words<T>()
        where T : struct, Enum =>
        new(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false);
}
