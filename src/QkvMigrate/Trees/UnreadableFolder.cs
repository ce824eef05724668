namespace QkvMigrate.Trees;

/// <summary>A folder of a tree that cannot be read, or something in it that cannot be opened.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Error">Why.</param>
internal sealed record UnreadableFolder(string Folder, MigrationException Error)
{
    /// <summary>What reports name: the file at fault where there is one, or the folder.</summary>
    public string Path => Error.File ?? Folder;
}
