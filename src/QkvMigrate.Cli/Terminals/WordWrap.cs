namespace QkvMigrate.Cli.Terminals;

/// <summary>Breaks a line between words, as a terminal does not.</summary>
internal static class WordWrap
{
    private const int HangingIndent = 2;

    /// <summary>
    /// The parts of <paramref name="line"/>, each shorter than <paramref name="width"/>, so that the last column stays
    /// free; those behind the first are indented further. A word that is longer than a line stays whole: a path that is
    /// to be copied must not be broken.
    /// </summary>
    public static IEnumerable<string> Lines(string line, int width)
    {
        var indent = new string(' ', line.Length - line.TrimStart(' ').Length + HangingIndent);
        var start = "";
        while (start.Length + line.Length >= width && Break(line, width - start.Length) is { } at)
        {
            yield return start + line[..at].TrimEnd(' ');
            line = line[at..].TrimStart(' ');
            start = indent;
        }

        yield return start + line;
    }

    /// <summary>The last gap between words within <paramref name="room"/>, or the first one behind it, or null.</summary>
    private static int? Break(string line, int room)
    {
        var first = line.Length - line.TrimStart(' ').Length;
        var at = room > first + 1 ? line.LastIndexOf(' ', Math.Min(room, line.Length) - 1) : -1;
        at = at > first ? at : line.IndexOf(' ', first);
        return at > 0 && line[at..].Trim(' ').Length > 0 ? at : null;
    }
}
