namespace QkvMigrate.Cli.Rendering;

/// <summary>Lines of columns, each as wide as its longest text: the first to the left, the others to the right.</summary>
internal sealed class TextTable
{
    private const string Gap = "  ";

    private readonly List<string[]> rows = [];

    /// <summary>Adds a line of as many texts as the others have.</summary>
    public void Add(params string[] texts) => rows.Add(texts);

    /// <summary>Writes all lines.</summary>
    public void Write(TextWriter writer)
    {
        var widths = Enumerable.Range(0, rows.Max(row => row.Length)).Select(column => rows.Max(row => row[column].Length)).ToList();
        foreach (var row in rows)
        {
            writer.WriteLine(
                string.Join(Gap, row.Select((text, column) => column == 0 ? text.PadRight(widths[column]) : text.PadLeft(widths[column]))).TrimEnd());
        }
    }
}
