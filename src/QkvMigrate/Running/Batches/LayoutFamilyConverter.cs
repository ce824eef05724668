using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Layouts;

namespace QkvMigrate.Running.Batches;

/// <summary>Writes a layout family as its word.</summary>
internal sealed class LayoutFamilyConverter : JsonConverter<LayoutFamily>
{
    /// <inheritdoc/>
    public override LayoutFamily Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && LayoutFamilies.Named(reader.GetString()!) is { } family
            ? family
            : throw new JsonException("expected the word for a layout");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, LayoutFamily value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name);
}
