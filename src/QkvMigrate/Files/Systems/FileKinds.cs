namespace QkvMigrate.Files.Systems;

/// <summary>Kinds of files in the words of systems and of reports.</summary>
internal static class FileKinds
{
    /// <summary>The kind that a Unix mode has (inode(7); Darwin's sys/stat.h has the same numbers).</summary>
    public static FileKind OfMode(uint mode) => (mode & 0xf000) switch
    {
        0x8000 => FileKind.Regular,
        0x4000 => FileKind.Directory,
        0x1000 => FileKind.Fifo,
        0xc000 => FileKind.Socket,
        0xa000 => FileKind.Link,
        _ => FileKind.Device,
    };

    /// <summary>What reports call it.</summary>
    public static string Name(FileKind kind) => kind switch
    {
        FileKind.Directory => "a directory",
        FileKind.Fifo => "a FIFO",
        FileKind.Socket => "a socket",
        FileKind.Link => "a link",
        FileKind.Device => "a device",
        _ => "a file",
    };
}
