using System.Globalization;
using System.Text;
using System.Text.Json;

namespace QkvMigrate.Verification;

/// <summary>The lines of YAML 1.1 that an upgrade makes of a JSON object: a line a field, in its order, values in JSON's own form.</summary>
internal static class YamlOfJson
{
    private const int MaximumDepth = 64;

    /// <summary>What YAML 1.1 takes for a truth value or for null, in any case of letters (yaml.org/type/bool.html, null.html).</summary>
    private static readonly string[] NoTexts = ["y", "yes", "n", "no", "true", "false", "on", "off", "null"];

    /// <summary>All lines.</summary>
    /// <exception cref="MigrationException">It is no JSON object, or has a name twice.</exception>
    public static string Of(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaximumDepth, AllowDuplicateProperties = false });
            var lines = new StringBuilder();
            foreach (var field in document.RootElement.EnumerateObject())
            {
                lines.Append(Name(field.Name)).Append(": ");
                Append(lines, field.Value);
                lines.Append('\n');
            }

            return lines.ToString();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new MigrationException(FailureKind.Malformed, $"no JSON object: {error.Message}", inner: error);
        }
    }

    /// <summary>A text in double quotes, with escapes for what must not stand in YAML as it is (yaml.org/spec/1.1, c-printable).</summary>
    public static string Text(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            var code = rune.Value;
            var isEscaped = code is < 0x20 or (>= 0x7F and <= 0x9F) or 0x2028 or 0x2029 or 0xFEFF or 0xFFFE or 0xFFFF;
            quoted.Append(
                code is '"' or '\\' ? $"\\{(char)code}"
                : isEscaped ? $"\\u{code.ToString("x4", CultureInfo.InvariantCulture)}"
                : rune.ToString());
        }

        return quoted.Append('"').ToString();
    }

    private static string Name(string name)
    {
        var isPlain = name is [(>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_', ..]
            && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_')
            && !NoTexts.Contains(name, StringComparer.OrdinalIgnoreCase);
        return isPlain ? name : Text(name);
    }

    private static void Append(StringBuilder yaml, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                yaml.Append('{');
                foreach (var (i, field) in value.EnumerateObject().Index())
                {
                    yaml.Append(i == 0 ? "" : ", ").Append(Text(field.Name)).Append(": ");
                    Append(yaml, field.Value);
                }

                yaml.Append('}');
                break;
            case JsonValueKind.Array:
                yaml.Append('[');
                foreach (var (i, item) in value.EnumerateArray().Index())
                {
                    yaml.Append(i == 0 ? "" : ", ");
                    Append(yaml, item);
                }

                yaml.Append(']');
                break;
            case JsonValueKind.String:
                yaml.Append(Text(value.GetString()!));
                break;
            default:
                yaml.Append(value.ValueKind == JsonValueKind.Number ? Number(value.GetRawText()) : value.GetRawText());
                break;
        }
    }

    /// <summary>A number with an exponent needs a point and a sign to be one in YAML 1.1 (yaml.org/type/float.html).</summary>
    private static string Number(string number)
    {
        var letter = number.IndexOfAny(['e', 'E']);
        if (letter < 0)
        {
            return number;
        }

        var digits = number[..letter];
        var power = number[(letter + 1)..];
        var withPoint = digits.Contains('.', StringComparison.Ordinal) ? digits : digits + ".0";
        return power[0] is '+' or '-' ? $"{withPoint}{number[letter]}{power}" : $"{withPoint}e+{power}";
    }
}
