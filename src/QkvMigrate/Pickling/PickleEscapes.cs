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
    /// <summary>What a letter behind a backslash stands for in a repr: <see cref="Letters"/> to these bytes.</summary>
    private const string Lettered = "\a\b\f\n\r\t\v\\'\"";
    private const string Letters = "abfnrtv\\'\"";

    /// <summary>Reads the repr of a byte string.</summary>
    public static byte[] Quoted(in PickleInstruction at, ReadOnlySpan<byte> bytes)
    {
        var source = Encoding.Latin1.GetString(bytes);
        if (source.Length < 2 || source[0] is not ('\'' or '"') || source[^1] != source[0])
        {
            throw PickleFailure.At(at.Offset, "STRING without quotes");
        }

        source = source[1..^1];
        var text = new List<byte>(source.Length);
        for (var i = 0; i < source.Length; i++)
        {
            if (source[i] != '\\')
            {
                text.Add((byte)source[i]);
                continue;
            }

            if (++i == source.Length)
            {
                throw Broken(at);
            }

            switch (source[i])
            {
                case 'x':
                    text.Add((byte)Hexadecimal(at, source, i + 1, 2));
                    i += 2;
                    break;
                case >= '0' and <= '7':
                    var code = 0;
                    var end = Math.Min(i + 3, source.Length);
                    for (; i < end && source[i] is >= '0' and <= '7'; i++)
                    {
                        code = (code * 8) + source[i] - '0';
                    }

                    i--;
                    text.Add((byte)code);
                    break;
                case var escape when Letters.IndexOf(escape, StringComparison.Ordinal) is >= 0 and var letter:
                    text.Add((byte)Lettered[letter]);
                    break;
                case var escape:
                    text.AddRange([(byte)'\\', (byte)escape]);
                    break;
            }
        }

        return [.. text];
    }

    /// <summary>Writes the repr of a byte string as Python 2 does (Objects/stringobject.c, <c>PyString_Repr</c>).</summary>
    public static string Quote(ReadOnlySpan<byte> bytes)
    {
        var quote = bytes.Contains((byte)'\'') && !bytes.Contains((byte)'"') ? '"' : '\'';
        var quoted = new StringBuilder(bytes.Length + 2).Append(quote);
        foreach (var value in bytes)
        {
            _ = value switch
            {
                (byte)'\\' => quoted.Append("\\\\"),
                (byte)'\t' => quoted.Append("\\t"),
                (byte)'\n' => quoted.Append("\\n"),
                (byte)'\r' => quoted.Append("\\r"),
                < 0x20 or > 0x7e => quoted.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
                _ => value == quote ? quoted.Append('\\').Append(quote) : quoted.Append((char)value),
            };
        }

        return quoted.Append(quote).ToString();
    }

    /// <summary>Reads raw-unicode-escape: Latin-1 with <c>\uXXXX</c> and <c>\UXXXXXXXX</c>.</summary>
    public static string Unicode(in PickleInstruction at, ReadOnlySpan<byte> bytes)
    {
        var source = Encoding.Latin1.GetString(bytes);
        var text = new StringBuilder(source.Length);
        for (var i = 0; i < source.Length; i++)
        {
            text.Append(source[i]);
            if (source[i] != '\\' || ++i == source.Length)
            {
                continue;
            }

            var digits = source[i] switch { 'u' => 4, 'U' => 8, _ => 0 };
            if (digits == 0)
            {
                // Taken with the backslash before it, which may itself be one: the two stand for themselves.
                text.Append(source[i]);
                continue;
            }

            text.Length--;
            var code = Hexadecimal(at, source, i + 1, digits);
            _ = code switch
            {
                < 0x10000 => text.Append((char)code),
                <= 0x10ffff => text.Append(char.ConvertFromUtf32((int)code)),
                _ => throw Broken(at),
            };
            i += digits;
        }

        return text.ToString();
    }

    /// <summary>Writes raw-unicode-escape as CPython's pickler does: the backslash and what would end the line are escaped too.</summary>
    public static string EscapeUnicode(string text)
    {
        var escaped = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\U{char.ConvertToUtf32(text, i++):x8}");
            }
            else if (text[i] is '\\' or '\0' or '\n' or '\r' or '\x1a' or > '\xff')
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
            }
            else
            {
                escaped.Append(text[i]);
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
