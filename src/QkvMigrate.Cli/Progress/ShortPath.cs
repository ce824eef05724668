namespace QkvMigrate.Cli.Progress;

/// <summary>Paths for columns that are too narrow for them.</summary>
internal static class ShortPath
{
    private const string Cut = "...";

    /// <summary>
    /// Leaves directories out from the front, but for the last one: most checkpoints are <c>lit_model.pth</c>, and their
    /// directory says which. What is still too long ends with dots.
    /// </summary>
    /// <param name="path">The path, with the system's separators.</param>
    /// <param name="width">Columns, at least three.</param>
    public static string Of(string path, int width)
    {
        var shown = path;
        while (shown.Length > width && shown.IndexOf(Path.DirectorySeparatorChar) is var slash && slash != shown.LastIndexOf(Path.DirectorySeparatorChar))
        {
            shown = shown[(slash + 1)..];
        }

        return shown.Length <= width ? shown : $"{shown[..(width - Cut.Length)]}{Cut}";
    }
}
