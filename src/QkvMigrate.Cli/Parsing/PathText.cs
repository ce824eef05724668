using System.Text;

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

    /// <summary>Reads a path; false where no system call takes it, or it would be another one than the user gave.</summary>
    public static bool TryRead(string text, out string path)
    {
        path = text;
        return text.Length is > 0 and <= Most
            && Encoding.UTF8.GetByteCount(text) <= Most
            && !text.Contains('\0', StringComparison.Ordinal)
            && (!text.Contains(Replacement, StringComparison.Ordinal) || Path.Exists(text));
    }

    /// <summary>Whether <paramref name="text"/> can stand behind a file's name.</summary>
    public static bool IsSuffix(string text) =>
        text.Length > 0
        && text.AsSpan().IndexOfAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar) < 0
        && !text.Contains('\0', StringComparison.Ordinal)
        && !text.Contains(Replacement, StringComparison.Ordinal);
}
