using System.Text;

namespace QkvMigrate.Cli.Terminals;

/// <summary>
/// Writes lines in which nothing that came from a file can do a terminal harm, wherever in a line it stands. Pipes and
/// files get the same, because they end on terminals.
/// </summary>
/// <param name="inner">Where the lines go.</param>
/// <param name="width">Columns at which lines are broken between words, or null for not at all.</param>
internal sealed class PrintableWriter(TextWriter inner, int? width) : TextWriter
{
    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => inner.Write(value);

    /// <summary>Writes a line; a break in it is shown as a number too.</summary>
    public override void WriteLine(string? value)
    {
        var line = Printable.Text(value ?? "");
        foreach (var part in width is { } columns ? WordWrap.Lines(line, columns) : [line])
        {
            inner.WriteLine(part);
        }
    }
}
