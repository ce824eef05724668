namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>Something that a call did, and that the disk need not have before a sync.</summary>
/// <param name="Begin">The line of the trace from which on the disk may have it.</param>
/// <param name="End">The line from which on a sync brings it to the disk.</param>
/// <param name="Node">What it was done to; of a name, the file that gets or loses it.</param>
internal abstract record Effect(int Begin, int End, Node Node);

/// <summary>Bytes of a file, which grows where they lie behind its end.</summary>
internal sealed record WriteEffect(int Begin, int End, Node Node, long Offset, byte[] Bytes) : Effect(Begin, End, Node);

/// <summary>A file's new length, without bytes.</summary>
internal sealed record ResizeEffect(int Begin, int End, Node Node, long Length) : Effect(Begin, End, Node);

/// <summary>A name that comes or goes; both at once where a file is renamed.</summary>
internal sealed record NameEffect(int Begin, int End, Node Node, IReadOnlyList<NameChange> Changes) : Effect(Begin, End, Node);

/// <summary>What a name in a folder stands for from now on; for nothing where <paramref name="Node"/> is null.</summary>
internal readonly record struct NameChange(Node Folder, string Name, Node? Node);

/// <summary>A sync of a file or a folder, or of the whole filesystem where <paramref name="Node"/> is null.</summary>
/// <param name="Begin">The line of the trace at which it began.</param>
/// <param name="End">The line at which it had returned.</param>
/// <param name="Node">What it is of.</param>
/// <param name="Name">What the program calls that, for people.</param>
internal sealed record Sync(int Begin, int End, Node? Node, string Name)
{
    /// <summary>Whether it brings <paramref name="effect"/> to the disk: that had ended when it began.</summary>
    public bool Covers(Effect effect) => effect.End < Begin && (Node is null || IsOfNode(effect));

    private bool IsOfNode(Effect effect) => effect is NameEffect name ? name.Changes.Any(change => change.Folder == Node) : effect.Node == Node;
}
