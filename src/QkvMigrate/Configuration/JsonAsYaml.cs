using System.Text;
using System.Text.Json;

namespace QkvMigrate.Configuration;

/// <summary>Writes the fields of a JSON object as lines of YAML 1.1, which PyYAML reads.</summary>
internal static class JsonAsYaml
{
    /// <summary>Words that YAML 1.1 does not take for text (yaml.org/type/bool.html, null.html).</summary>
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase) { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };

    /// <summary>One line a field, in order; values in JSON's own form, which YAML shares, but for numbers with an exponent.</summary>
    /// <exception cref="MigrationException">The text is no JSON object, or names a field twice.</exception>
    public static string Convert(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? string.Concat(document.RootElement.EnumerateObject().Select(field => $"{Key(field.Name)}: {Value(field.Value)}\n"))
                : throw new MigrationException(FailureKind.Malformed, "no JSON object");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The second is what JsonElement says of half a surrogate pair.
            throw new MigrationException(FailureKind.Malformed, $"no JSON: {error.Message}", inner: error);
        }
    }

    /// <summary>
    /// A string in double quotes. Characters beyond U+FFFF stand as they are: JSON's pair of escapes would be two
    /// characters in YAML. What YAML does not print or takes for a line break is escaped (yaml.org/spec/1.1, c-printable).
    /// </summary>
    public static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            quoted.Append(rune.Value switch
            {
                '"' or '\\' => $"\\{rune}",
                < 0x20 or (>= 0x7F and < 0xA0) or 0x2028 or 0x2029 or 0xFEFF or 0xFFFE or 0xFFFF => $"\\u{rune.Value:x4}",
                _ => rune.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    private static string Key(string name) =>
        name.Length > 0 && !Words.Contains(name) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_') && !char.IsAsciiDigit(name[0])
            ? name
            : Quoted(name);

    private static string Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(", ", value.EnumerateObject().Select(field => $"{Quoted(field.Name)}: {Value(field.Value)}"))}}}",
        JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(Value))}]",
        JsonValueKind.String => Quoted(value.GetString()!),
        JsonValueKind.Number => Number(value.GetRawText()),
        _ => value.GetRawText(),
    };

    /// <summary>YAML 1.1 takes <c>1e-05</c> for a string: a float has a point (yaml.org/type/float.html).</summary>
    private static string Number(string digits)
    {
        var at = digits.IndexOfAny(['e', 'E']);
        if (at < 0)
        {
            return digits;
        }

        var (mantissa, exponent) = (digits[..at], digits[(at + 1)..]);
        var point = mantissa.Contains('.', StringComparison.Ordinal) ? "" : ".0";
        var sign = exponent[0] is '+' or '-' ? "" : "+";
        var letter = sign.Length == 0 ? digits[at] : 'e';
        return $"{mantissa}{point}{letter}{sign}{exponent}";
    }
}
