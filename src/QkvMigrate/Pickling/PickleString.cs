namespace QkvMigrate.Pickling;

/// <summary>A str. The uses of its memo slot are kept, because a rename must tell the uses as a key from the others.</summary>
internal sealed class PickleString(int offset, string text) : PickleNode(offset)
{
    private List<int>? gets;

    /// <summary>The value.</summary>
    public string Text { get; } = text;

    /// <summary>The memo slot that holds the string, or −1.</summary>
    public long MemoSlot { get; internal set; } = -1;

    /// <summary>The instruction that put the string into its memo slot, or −1.</summary>
    internal int MemoizedAt { get; set; } = -1;

    /// <summary>The instructions that fetch the string from the memo, or null where none does.</summary>
    public IReadOnlyList<int>? Gets => gets;

    internal void AddGet(int at) => (gets ??= []).Add(at);
}
