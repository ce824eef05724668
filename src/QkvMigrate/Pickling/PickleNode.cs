namespace QkvMigrate.Pickling;

/// <summary>
/// A value that loading a pickle would make, as the machine understands it: what is written, never what it would do.
/// The same node stands wherever the same object would, so the nodes are a graph and may have cycles.
/// </summary>
internal abstract class PickleNode(int offset)
{
    /// <summary>The instruction that makes the value, in bytes from the start of the pickle.</summary>
    public int Offset { get; } = offset;

    /// <summary>
    /// How many values a walk along every path from this one meets, as far as it is filled. A value that stands in several
    /// places counts several times.
    /// </summary>
    internal virtual long Weight => 1;

    /// <summary>
    /// How deeply containers were nested in this one when its last part was added. Parts that became deeper later do not
    /// count: it is a lower bound.
    /// </summary>
    internal virtual int Depth => 0;
}

/// <summary>A value together with the instruction that put it on the stack: its own, or a GET of the memo.</summary>
/// <param name="Node">The value.</param>
/// <param name="At">The instruction that pushed it here.</param>
internal readonly record struct PickleItem(PickleNode Node, int At);

/// <summary>A key and its value in a dict, or in an object that takes items like one (OrderedDict).</summary>
/// <param name="Key">The key, and the instruction that pushed it here.</param>
/// <param name="Value">The value, and the instruction that pushed it here.</param>
/// <param name="At">The instruction that put both into the dict.</param>
internal readonly record struct PickleEntry(PickleItem Key, PickleItem Value, int At);
