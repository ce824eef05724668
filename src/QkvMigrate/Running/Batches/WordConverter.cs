using System.Text.Json;
using System.Text.Json.Serialization;

namespace QkvMigrate.Running.Batches;

/// <summary>Writes an entry of a table as its word.</summary>
/// <param name="find">The entry of a word, or null.</param>
/// <param name="word">The word of an entry.</param>
/// <param name="subject">What the word is for.</param>
internal sealed class WordConverter<T>(Func<string, T?> find, Func<T, string> word, string subject) : JsonConverter<T>
    where T : class
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && find(reader.GetString()!) is { } entry
            ? entry
            : throw new JsonException($"expected the word for {subject}");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(word(value));
}
