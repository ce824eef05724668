using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Layouts;

namespace QkvMigrate.Running.Batches;

/// <summary>Writes a conversion as its word.</summary>
internal sealed class ConversionConverter : JsonConverter<Conversion>
{
    /// <inheritdoc/>
    public override Conversion Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Conversion.Named(reader.GetString()!) is { } conversion
            ? conversion
            : throw new JsonException("expected the word for a direction");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Conversion value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name);
}
