using System.Globalization;
using System.Text;

namespace QkvMigrate.Cli.Terminals;

/// <summary>
/// Makes text that comes from a file fit for a terminal or a page: what would move the cursor, change colours or turn
/// the direction of writing is shown as its number.
/// </summary>
internal static class Printable
{
    /// <summary><paramref name="text"/> with <c>\x1b</c> or <c>\u202e</c> for each character that is not meant to be seen.</summary>
    public static string Text(string text) => text.All(IsSafe) ? text : Escaped(text);

    private static string Escaped(string text)
    {
        var escaped = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
            {
                escaped.Append(text, i++, 2);
            }
            else if (IsSafe(text[i]))
            {
                escaped.Append(text[i]);
            }
            else
            {
                escaped.Append(text[i] <= 0xff ? $"\\x{(int)text[i]:x2}" : $"\\u{(int)text[i]:x4}");
            }
        }

        return escaped.ToString();
    }

    /// <summary>Surrogates are not safe alone; noncharacters are no text in XML either.</summary>
    private static bool IsSafe(char character) =>
        char.GetUnicodeCategory(character) is not (
            UnicodeCategory.Control
            or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.Surrogate)
        && character < 0xfffe;
}
