namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>What a file is, whatever names it has.</summary>
internal enum NodeKind
{
    File,
    Folder,
    Link,
}

/// <summary>A file, folder or symbolic link of a traced folder: an inode, which names come to and go from.</summary>
/// <param name="kind">What it is.</param>
internal sealed class Node(NodeKind kind)
{
    public NodeKind Kind => kind;

    /// <summary>What a file held before the traced run; nothing where that made it.</summary>
    public FileContent Before { get; init; } = FileContent.Empty;

    /// <summary>When it was changed before the traced run; null where that made it.</summary>
    public DateTime? Modified { get; init; }

    /// <summary>What a link says.</summary>
    public string Text { get; init; } = "";
}
