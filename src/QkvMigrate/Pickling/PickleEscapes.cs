using System.Globalization;
using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>
/// The two escaped forms in which protocol 0 writes text: STRING, the repr of a byte string, and UNICODE, Python's
/// raw-unicode-escape (CPython, Lib/pickletools.py, <c>read_stringnl</c> and <c>read_unicodestringnl</c>).
/// Escapes are resolved in full, so that no name can hide behind one.
/// </summary>
internal static class PickleEscapes
{
    /// <summary>Reads the repr of a byte string.</summary>
    public static string Quoted(in PickleInstruction at, ReadOnlySpan<byte> bytes)
    {
        var source = Encoding.Latin1.GetString(bytes).Trim();
        if (source.Length < 2 || source[0] is not ('\'' or '"') || source[^1] != source[0])
        {
            throw PickleFailure.At(at.Offset, "STRING without quotes");
        }

        var text = new StringBuilder(source.Length);
        for (var i = 1; i < source.Length - 1; i++)
        {
            if (source[i] != '\\')
            {
                text.Append(source[i]);
                continue;
            }

            var escape = source[++i];
            switch (escape)
            {
                case 'x':
                    text.Append((char)Hexadecimal(at, source, i + 1, 2));
                    i += 2;
                    break;
                case >= '0' and <= '7':
                    var code = 0;
                    var end = i + 3;
                    for (; i < end && source[i] is >= '0' and <= '7'; i++)
                    {
                        code = (code * 8) + source[i] - '0';
                    }

                    i--;
                    text.Append((char)(code & 0xff));
                    break;
                case '\n':
                    break;
                default:
                    const string letters = "abfnrtv\\'\"";
                    var letter = letters.IndexOf(escape, StringComparison.Ordinal);
                    text.Append(letter < 0 ? $"\\{escape}" : "\a\b\f\n\r\t\v\\'\""[letter].ToString());
                    break;
            }
        }

        return text.ToString();
    }

    /// <summary>Writes the repr of a byte string of printable ASCII.</summary>
    public static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    /// <summary>Reads raw-unicode-escape: Latin-1 with <c>\uXXXX</c> and <c>\UXXXXXXXX</c>.</summary>
    public static string Unicode(in PickleInstruction at, ReadOnlySpan<byte> bytes)
    {
        var source = Encoding.Latin1.GetString(bytes);
        var text = new StringBuilder(source.Length);
        for (var i = 0; i < source.Length; i++)
        {
            var digits = source[i] == '\\' && i + 1 < source.Length ? source[i + 1] switch { 'u' => 4, 'U' => 8, _ => 0 } : 0;
            if (digits == 0)
            {
                text.Append(source[i]);
                continue;
            }

            var code = Hexadecimal(at, source, i + 2, digits);
            if (code < 0x10000)
            {
                text.Append((char)code);
            }
            else if (code <= 0x10ffff)
            {
                text.Append(char.ConvertFromUtf32((int)code));
            }
            else
            {
                throw Broken(at);
            }

            i += 1 + digits;
        }

        return text.ToString();
    }

    /// <summary>Writes raw-unicode-escape as CPython's pickler does: the backslash and what would end the line are escaped too.</summary>
    public static string EscapeUnicode(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!rune.IsBmp)
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
            }
            else if (rune.Value is '\\' or 0 or '\n' or '\r' or 0x1a or > 0xff)
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            }
            else
            {
                escaped.Append((char)rune.Value);
            }
        }

        return escaped.ToString();
    }

    private static uint Hexadecimal(in PickleInstruction at, string source, int start, int digits) =>
        start + digits <= source.Length
        && uint.TryParse(source.AsSpan(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            ? code
            : throw Broken(at);

    private static MigrationException Broken(in PickleInstruction at) => PickleFailure.At(at.Offset, $"{at.Opcode} with a broken escape");
}
