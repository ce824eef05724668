using System.Text.Json;
using QkvMigrate.Checkpoints.JsonTexts;

namespace QkvMigrate.Verification;

/// <summary>A property's name in a JSON text, as a comparison comes by it.</summary>
/// <param name="Start">The first byte behind its opening quote.</param>
/// <param name="Text">The name, without escapes.</param>
/// <param name="Depth">How many objects and lists it stands in.</param>
/// <param name="Parent">The name of the property whose value it stands in, or null.</param>
internal readonly record struct JsonName(int Start, string Text, int Depth, string? Parent);

/// <summary>Holds two JSON texts against each other: token by token as they are written, and what stands between them. Names may change.</summary>
internal static class JsonComparison
{
    /// <summary>Compares the texts.</summary>
    /// <param name="original">The first text; valid JSON, perhaps with spaces behind it.</param>
    /// <param name="upgraded">The second text; the same.</param>
    /// <param name="expected">The name that one of the first text must have in the second.</param>
    /// <param name="place">How reports name the text.</param>
    /// <param name="start">Where the second text starts in its file.</param>
    /// <param name="log">Takes the first difference.</param>
    /// <returns>Where the last token ends in the first text and in the second, or null where there is a difference.</returns>
    public static (int Before, int After)? Compare(
        ReadOnlyMemory<byte> original,
        ReadOnlyMemory<byte> upgraded,
        Func<JsonName, string> expected,
        string place,
        long start,
        DifferenceLog log)
    {
        var before = new Utf8JsonReader(original.Span);
        var after = new Utf8JsonReader(upgraded.Span);
        var parents = new Stack<string?>();
        string? last = null;
        var (oldEnd, end) = (0, 0);
        while (before.Read())
        {
            if (!after.Read() || before.TokenType != after.TokenType
                || !Between(original, oldEnd, before.TokenStartIndex).SequenceEqual(Between(upgraded, end, after.TokenStartIndex)))
            {
                log.Add(place, "the text has another structure than the first file's", start + end);
                return null;
            }

            if (before.TokenType == JsonTokenType.PropertyName)
            {
                var key = JsonKey.At(ref before);
                var wanted = expected(new JsonName(key.Start, key.Text, before.CurrentDepth, parents.TryPeek(out var parent) ? parent : null));
                var isSame = before.ValueSpan.SequenceEqual(after.ValueSpan);
                if (wanted == key.Text ? !isSame : after.GetString() != wanted || !PickleForms.IsPlainChange(before.ValueSpan, after.ValueSpan))
                {
                    log.Add(place, $"the name '{after.GetString()}', expected '{wanted}'", start + after.TokenStartIndex);
                    return null;
                }

                last = key.Text;
            }
            else if (!before.ValueSpan.SequenceEqual(after.ValueSpan))
            {
                log.Add(place, $"another value under '{last}'", start + after.TokenStartIndex);
                return null;
            }

            if (before.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                parents.Push(last);
            }
            else if (before.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                parents.Pop();
            }

            (oldEnd, end) = (End(before), End(after));
        }

        return (oldEnd, end);
    }

    /// <summary>The first byte behind the token. The reader's own position is behind a name's colon, and so would hide what stands before it.</summary>
    private static int End(in Utf8JsonReader reader) =>
        (int)reader.TokenStartIndex + reader.ValueSpan.Length + (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String ? 2 : 0);

    private static ReadOnlySpan<byte> Between(ReadOnlyMemory<byte> text, int from, long to) => text.Span[from..(int)to];
}
