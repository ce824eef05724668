namespace QkvMigrate.Files;

/// <summary>What stands in a folder and below it.</summary>
internal static class FolderEntries
{
    /// <summary>All that a folder has, hidden entries too, and nothing below it; a folder that may not be read is a failure.</summary>
    public static EnumerationOptions Flat { get; } = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
    };

    /// <summary>All of it, without the folder. A link to a folder is named and not entered: .NET's own recursion enters it, and a loop of links again and again.</summary>
    /// <exception cref="IOException">A folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be read.</exception>
    public static IEnumerable<FileSystemInfo> AtAnyDepth(string folder) =>
        new DirectoryInfo(folder).EnumerateFileSystemInfos("*", Flat).SelectMany(entry => IsFolder(entry) ? AtAnyDepth(entry.FullName).Prepend(entry) : [entry]);

    /// <summary>Whether an entry is a folder by itself, and no link to one.</summary>
    public static bool IsFolder(FileSystemInfo entry) => entry is DirectoryInfo { LinkTarget: null };
}
