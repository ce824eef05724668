namespace QkvMigrate.Writing;

/// <summary>The names of files and folders that are being written: hidden, and recognisable as this tool's.</summary>
internal static class TemporaryName
{
    private const string Ending = ".qkvmigrate-tmp";

    /// <summary>A name, without a folder, for what will be called <paramref name="path"/>.</summary>
    public static string For(string path) =>
        $".{Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}.{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}{Ending}";

    /// <summary>Whether <paramref name="name"/> is such a name.</summary>
    public static bool Is(string name) => name.StartsWith('.') && name.EndsWith(Ending, StringComparison.Ordinal);
}
