using System.Text;

namespace QkvMigrate.Verification;

/// <summary>
/// The lines that a text of the second directory must have, worked out from a text of the first. A line that changes stays as a
/// marked comment, and what takes its place has a mark at its end, so that the way back is exact; ends of lines stay what they were.
/// </summary>
internal sealed class ExpectedLines
{
    /// <summary>What stands before a line that was taken out.</summary>
    public const string TakenOut = "#qkvmigrate- ";

    /// <summary>What stands behind a line that was put in.</summary>
    public const string PutIn = "  #qkvmigrate+";

    private readonly List<(string Text, string? Rule)> lines;

    /// <summary>Starts from the lines of a text, all of which stay.</summary>
    public ExpectedLines(string text) => lines = [.. text.Split('\n').Select(line => (line, (string?)null))];

    /// <summary>A line without its end.</summary>
    public string this[int line] => lines[line].Text.TrimEnd('\r');

    /// <summary>Whether lines can be told apart as YAML 1.1 tells them: none ends in anything but LF or CRLF (yaml.org/spec/1.1, b-char).</summary>
    public bool AreClear => !lines.Exists(line => line.Text.AsSpan().TrimEnd('\r').ContainsAny("\r\u0085\u2028\u2029") || line.Text.EndsWith("\r\r", StringComparison.Ordinal));

    /// <summary>Takes a line out, and puts others in its place. To be called from the last line to the first.</summary>
    /// <param name="line">The line's number, from 0.</param>
    /// <param name="rule">Why, as differences say it.</param>
    /// <param name="replacement">What takes its place.</param>
    public void Replace(int line, string rule, params ReadOnlySpan<string> replacement)
    {
        var old = lines[line].Text;
        var end = old.EndsWith('\r') ? "\r" : "";
        lines[line] = (TakenOut + old, rule);
        for (var i = 0; i < replacement.Length; i++)
        {
            lines.Insert(line + 1 + i, (replacement[i] + PutIn + end, rule));
        }
    }

    /// <summary>Undoes what <see cref="Replace"/> did, wherever it was done.</summary>
    public void Restore()
    {
        lines.RemoveAll(line => line.Text.TrimEnd('\r').EndsWith(PutIn, StringComparison.Ordinal));
        for (var i = 0; i < lines.Count; i++)
        {
            if (lines[i].Text.StartsWith(TakenOut, StringComparison.Ordinal))
            {
                lines[i] = (lines[i].Text[TakenOut.Length..], "the line that an upgrade took out is back");
            }
        }
    }

    /// <summary>Puts what some editors put before a text back before the first line.</summary>
    public void StartWith(string mark) => lines[0] = (mark + lines[0].Text, lines[0].Rule);

    /// <summary>Compares a text line by line, and adds the first difference.</summary>
    public void Compare(string found, string place, DifferenceLog log)
    {
        var others = found.Split('\n');
        for (var i = 0; i < Math.Max(lines.Count, others.Length); i++)
        {
            var (expected, rule) = i < lines.Count ? lines[i] : (null, null);
            var other = i < others.Length ? others[i] : null;
            if (expected != other)
            {
                var offset = Encoding.UTF8.GetByteCount(string.Join('\n', others.Take(i))) + (i > 0 ? 1 : 0);
                log.Add(place, $"line {i + 1} is {Shown(other)}, expected {Shown(expected)}{(rule is null ? "" : $" ({rule})")}", offset);
                return;
            }
        }
    }

    /// <summary>A line in quotes, cut short; its end is shown where it is not LF.</summary>
    private static string Shown(string? line)
    {
        const int Longest = 120;
        return line is null ? "missing" : $"'{(line.Length > Longest ? line[..Longest] + "..." : line).Replace("\r", "\\r", StringComparison.Ordinal)}'";
    }
}
