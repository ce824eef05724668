namespace QkvMigrate.Files;

/// <summary>What tells a file from all others that are there at the same time.</summary>
/// <param name="Device">Its filesystem's device.</param>
/// <param name="Inode">Its number there.</param>
internal readonly record struct FileKey(ulong Device, ulong Inode)
{
    /// <summary>The key of <paramref name="file"/>.</summary>
    public FileKey(FileIdentity file)
        : this(file.Device, file.Inode)
    {
    }
}
