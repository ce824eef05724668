namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>The names below a folder, as the program sees them while it runs.</summary>
internal sealed class NameSpace
{
    private readonly Dictionary<(Node Folder, string Name), Node> names = [];
    private readonly string root;

    /// <summary>Reads the folder <paramref name="root"/> from the disk.</summary>
    public NameSpace(string root)
    {
        this.root = root;
        Root = new Node(NodeKind.Folder);
        Read(root, Root);
    }

    /// <summary>The folder.</summary>
    public Node Root { get; }

    /// <summary>A copy of all names.</summary>
    public IReadOnlyDictionary<(Node Folder, string Name), Node> Copy() => new Dictionary<(Node Folder, string Name), Node>(names);

    /// <summary>What a name stands for, or null.</summary>
    public Node? this[Node folder, string name] => names.GetValueOrDefault((folder, name));

    /// <summary>Has a name stand for something, or for nothing.</summary>
    public void Apply(NameChange change)
    {
        if (change.Node is { } node)
        {
            names[(change.Folder, change.Name)] = node;
        }
        else
        {
            names.Remove((change.Folder, change.Name));
        }
    }

    /// <summary>A path, relative to the root.</summary>
    public string Below(string path) => Path.GetRelativePath(root, path);

    /// <summary>The folder and the name that a path ends in; null outside of the root.</summary>
    public (Node Folder, string Name)? Place(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return full.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) && Find(Path.GetDirectoryName(full)!, follow: true) is { } folder
            ? (folder, Path.GetFileName(full))
            : null;
    }

    /// <summary>What a path leads to, or null.</summary>
    public Node? Find(string path, bool follow)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (full == root)
        {
            return Root;
        }

        var node = Place(full) is { } place ? this[place.Folder, place.Name] : null;
        return node is { Kind: NodeKind.Link } && follow ? Find(Path.Combine(Path.GetDirectoryName(full)!, node.Text), follow) : node;
    }

    private void Read(string path, Node folder)
    {
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            var node = entry switch
            {
                { LinkTarget: { } text } => new Node(NodeKind.Link) { Text = text },
                DirectoryInfo => new Node(NodeKind.Folder),
                _ => new Node(NodeKind.File) { Before = new FileContent(File.ReadAllBytes(entry.FullName)), Modified = entry.LastWriteTimeUtc },
            };
            names.Add((folder, entry.Name), node);
            if (node.Kind == NodeKind.Folder)
            {
                Read(entry.FullName, node);
            }
        }
    }
}
