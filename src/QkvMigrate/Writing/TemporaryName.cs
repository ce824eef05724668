namespace QkvMigrate.Writing;

/// <summary>The names of files and folders that are being written: hidden, and recognisable as this tool's.</summary>
internal static class TemporaryName
{
    private const string Ending = ".qkvmigrate-tmp";
    private const string LockEnding = ".qkvmigrate-lock";

    /// <summary>A name, without a folder, for what will be called <paramref name="path"/>.</summary>
    public static string For(string path) =>
        $".{Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}.{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}{Ending}";

    /// <summary>The path of the file whose lock gives the right to write <paramref name="path"/>.</summary>
    /// <exception cref="MigrationException">Nothing can be written under that name: it is the root of all folders.</exception>
    public static string LockFor(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var folder = Path.GetDirectoryName(full) ?? throw new MigrationException(FailureKind.Target, "the root of all folders is no name for a new file or folder", path);
        return Path.Combine(folder, $".{Path.GetFileName(full)}{LockEnding}");
    }

    /// <summary>Whether <paramref name="name"/> is such a name, or a lock's.</summary>
    public static bool Is(string name) =>
        name.StartsWith('.') && (name.EndsWith(Ending, StringComparison.Ordinal) || name.EndsWith(LockEnding, StringComparison.Ordinal));

    /// <summary>Whether <paramref name="name"/> is a name that <see cref="For"/> gives for <paramref name="path"/>, in any process.</summary>
    public static bool IsFor(string path, string name)
    {
        var start = $".{Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}.";
        return name.Length > start.Length + Ending.Length
            && name.StartsWith(start, StringComparison.Ordinal)
            && name.EndsWith(Ending, StringComparison.Ordinal)
            && name[start.Length..^Ending.Length].Split('-') is [{ Length: > 0 } process, { Length: 8 } random]
            && process.All(char.IsAsciiDigit)
            && random.All(char.IsAsciiHexDigitLower);
    }
}
