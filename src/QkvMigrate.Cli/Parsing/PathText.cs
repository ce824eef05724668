using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using QkvMigrate.Files;

namespace QkvMigrate.Cli.Parsing;

/// <summary>What can be a path at all, whether or not something is there.</summary>
internal static class PathText
{
    /// <summary>In words.</summary>
    public const string Expected = "a path: not empty, in UTF-8, of less than 4096 bytes";

    // Linux's PATH_MAX, with the byte that ends the text.
    private const int Most = 4095;

    // What .NET makes of bytes that are no UTF-8: another path, which must not be written by mistake.
    private const char Replacement = '\ufffd';

    /// <summary>
    /// Reads a path, as the system does; false where no system call takes it, or it would be another one than the user gave. One that leads
    /// nowhere stays as it is, for <see cref="Check"/> to tell of.
    /// </summary>
    public static bool TryRead(string text, out string path)
    {
        path = text;
        if (text.Length is 0 or > Most || Encoding.UTF8.GetByteCount(text) > Most || text.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            path = SystemPath.Follow(text);
        }
        catch (MigrationException)
        {
            return true;
        }

        return !text.Contains(Replacement, StringComparison.Ordinal) || Path.Exists(path);
    }

    /// <summary>Makes sure that the system can follow every path of a sound command line.</summary>
    /// <exception cref="MigrationException">It cannot.</exception>
    public static void Check(ParseResult parsed)
    {
        foreach (var result in parsed.CommandResult.Children)
        {
            if (result is ArgumentResult { Argument: IPathSymbol } or OptionResult { Option: IPathSymbol })
            {
                foreach (var token in result.Tokens)
                {
                    _ = SystemPath.Follow(token.Value);
                }
            }
        }
    }

    /// <summary>Whether <paramref name="text"/> can stand behind a file's name.</summary>
    public static bool IsSuffix(string text) =>
        text.Length > 0
        && text.AsSpan().IndexOfAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar) < 0
        && !text.Contains('\0', StringComparison.Ordinal)
        && !text.Contains(Replacement, StringComparison.Ordinal);
}
