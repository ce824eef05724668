using System.Text;

namespace QkvMigrate.Cli.Terminals;

/// <summary>
/// Writes lines in which nothing that came from a file can do a terminal harm, wherever in a line it stands. Pipes and
/// files get the same, because they end on terminals.
/// </summary>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter
{
    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => inner.Write(value);

    /// <summary>Writes a line; a break in it is shown as a number too.</summary>
    public override void WriteLine(string? value) => inner.WriteLine(Printable.Text(value ?? ""));
}
