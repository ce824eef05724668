using System.Runtime.InteropServices;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>What a disk holds below a folder: an entry for each path, relative to it.</summary>
internal sealed partial class DiskState
{
    private readonly SortedDictionary<string, DiskEntry> entries = new(StringComparer.Ordinal);

    /// <summary>The entries, folders before what is in them.</summary>
    public IReadOnlyDictionary<string, DiskEntry> Entries => entries;

    /// <summary>The files and links, each with the digest of its content or with what it says.</summary>
    public IEnumerable<KeyValuePair<string, string>> Files =>
        entries.Where(entry => entry.Value.Node.Kind != NodeKind.Folder).Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Value));

    /// <summary>What tells this state from others.</summary>
    public string Identity => string.Join('\n', entries.Select(entry => $"{entry.Key}\t{entry.Value.Value}"));

    /// <summary>What a file holds or a link says; null where there is neither.</summary>
    public string? this[string path] => entries.GetValueOrDefault(path)?.Value;

    /// <summary>The state of a folder on the disk.</summary>
    public static DiskState Of(string folder)
    {
        var names = new NameSpace(folder);
        return new DiskState(names.Root, names.Copy(), file => file.Before);
    }

    /// <summary>Walks over names, and asks for the content of the files that are reached.</summary>
    public DiskState(Node root, IReadOnlyDictionary<(Node Folder, string Name), Node> names, Func<Node, FileContent> contentOf) =>
        Walk(root, "", names.ToLookup(name => name.Key.Folder, name => (name.Key.Name, name.Value)), contentOf);

    /// <summary>Makes the folder <paramref name="path"/> hold this. Files with several names have them; untouched ones their times.</summary>
    public void Write(string path)
    {
        Directory.CreateDirectory(path);
        var written = new Dictionary<Node, string>();
        foreach (var (name, entry) in entries)
        {
            var target = Path.Combine(path, name);
            if (entry.Node.Kind == NodeKind.Folder)
            {
                Directory.CreateDirectory(target);
            }
            else if (entry.Node.Kind == NodeKind.Link)
            {
                File.CreateSymbolicLink(target, entry.Node.Text);
            }
            else if (written.TryGetValue(entry.Node, out var first))
            {
                if (Link(first, target) != 0)
                {
                    throw new IOException(Marshal.GetLastPInvokeErrorMessage());
                }
            }
            else
            {
                File.WriteAllBytes(target, entry.Content.Bytes);
                if (entry.Node.Modified is { } time)
                {
                    File.SetLastWriteTimeUtc(target, time);
                }

                written.Add(entry.Node, target);
            }
        }
    }

    private void Walk(Node folder, string path, ILookup<Node, (string Name, Node Node)> names, Func<Node, FileContent> contentOf)
    {
        foreach (var (name, node) in names[folder])
        {
            var below = Path.Combine(path, name);
            entries.Add(below, new DiskEntry(node, node.Kind == NodeKind.File ? contentOf(node) : FileContent.Empty));
            if (node.Kind == NodeKind.Folder)
            {
                Walk(node, below, names, contentOf);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string newName);
}

/// <summary>A name on a disk.</summary>
/// <param name="Node">What it stands for.</param>
/// <param name="Content">What that holds, where it is a file.</param>
internal sealed record DiskEntry(Node Node, FileContent Content)
{
    /// <summary>What it holds, in short.</summary>
    public string Value => Node.Kind switch
    {
        NodeKind.File => Content.Digest,
        NodeKind.Link => $"-> {Node.Text}",
        _ => "a folder",
    };
}
