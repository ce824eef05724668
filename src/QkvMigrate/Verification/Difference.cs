using System.Text;
using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>One place where the second file is not what the first one makes it.</summary>
/// <param name="Place">What differs: a tensor, an entry of the zip, the pickle, a file of a directory.</param>
/// <param name="Problem">What was found and what was expected.</param>
public sealed record Difference(string Place, string Problem)
{
    /// <summary>The row, where the place is a tensor's: the index along the fused rows, or along the first dimension.</summary>
    public long? Row { get; init; }

    /// <summary>The part of a fused tensor that the row belongs to, in the layout of the second file.</summary>
    public QkvSection? Section { get; init; }

    /// <summary>The head within its section.</summary>
    public int? Head { get; init; }

    /// <summary>The query group.</summary>
    public int? QueryGroup { get; init; }

    /// <summary>Bytes from the start of the second file.</summary>
    public long? Offset { get; init; }

    /// <summary>One line: place, row, head and group, byte, problem.</summary>
    public override string ToString()
    {
        var line = new StringBuilder(Place);
        if (Row is { } row)
        {
            line.Append($" row {row}");
        }

        if (Section is { } section)
        {
            line.Append($" ({section switch { QkvSection.Query => 'q', QkvSection.Key => 'k', _ => 'v' }}, head {Head}, group {QueryGroup})");
        }

        if (Offset is { } offset)
        {
            line.Append($" at byte {offset}");
        }

        return line.Append(": ").Append(Problem).Replace('\n', ' ').Replace('\r', ' ').ToString();
    }
}
