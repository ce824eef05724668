using System.Text.Json;

namespace QkvMigrate.Checkpoints.JsonTexts;

/// <summary>A property's name in a JSON text.</summary>
/// <param name="Start">The first byte behind the opening quote.</param>
/// <param name="Length">Bytes up to the closing quote, escapes as they are written.</param>
/// <param name="Text">The name, without escapes.</param>
internal readonly record struct JsonKey(int Start, int Length, string Text)
{
    /// <summary>Bytes of the longest key that is read: a rename looks at each character of one, and no tensor's name comes near it.</summary>
    private const int MaximumLength = 1 << 12;

    /// <summary>The name that <paramref name="reader"/> stands on; its text must be in one piece.</summary>
    /// <exception cref="InvalidOperationException">An escape is half of a surrogate pair.</exception>
    /// <exception cref="MigrationException">It is longer than any name.</exception>
    public static JsonKey At(ref Utf8JsonReader reader) =>
        reader.ValueSpan.Length <= MaximumLength
            ? new((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length, reader.GetString()!)
            : throw new MigrationException(FailureKind.Unsupported, $"a key of {reader.ValueSpan.Length} bytes, at most {MaximumLength} are read");
}
