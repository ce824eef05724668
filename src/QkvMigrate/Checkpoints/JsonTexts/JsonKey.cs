using System.Text.Json;

namespace QkvMigrate.Checkpoints.JsonTexts;

/// <summary>A property's name in a JSON text.</summary>
/// <param name="Start">The first byte behind the opening quote.</param>
/// <param name="Length">Bytes up to the closing quote, escapes as they are written.</param>
/// <param name="Text">The name, without escapes.</param>
internal readonly record struct JsonKey(int Start, int Length, string Text)
{
    /// <summary>The name that <paramref name="reader"/> stands on; its text must be in one piece.</summary>
    /// <exception cref="InvalidOperationException">An escape is half of a surrogate pair.</exception>
    public static JsonKey At(ref Utf8JsonReader reader) =>
        new((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length, reader.GetString()!);
}
