namespace QkvMigrate.Folders;

/// <summary>What a batch leaves in its output besides results: the folder of its record, and checksums beside it.</summary>
internal static class RecordNames
{
    /// <summary>The folder's name.</summary>
    public const string Folder = ".qkvmigrate";

    /// <summary>The name of the checksums of all results, as <c>sha256sum</c> reads them.</summary>
    public const string Checksums = "SHA256SUMS";

    /// <summary>The name of the record of backups, in each directory where some were made.</summary>
    public const string Backups = ".qkvmigrate-backups";

    /// <summary>What the name of a record begins with that stands in a tree while parts work on it in place.</summary>
    public const string Parts = ".qkvmigrate-parts-";

    /// <summary>Whether a file called <paramref name="name"/> is a record that stands beside checkpoints.</summary>
    public static bool Is(string name) => name.StartsWith(".qkvmigrate-", StringComparison.Ordinal);

    /// <summary>Whether <paramref name="directory"/> is an output with such a record.</summary>
    public static bool AreIn(string directory) => Directory.Exists(Path.Combine(directory, Folder));
}
