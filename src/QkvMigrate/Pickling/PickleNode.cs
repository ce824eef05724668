using System.Numerics;

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
    /// How many values somebody meets who follows every way through this one, so far as it is filled: more than there are
    /// where one stands in several places.
    /// </summary>
    internal virtual long Weight => 1;

    /// <summary>
    /// How many containers stood in each other when the last part was put into this one; parts that got deeper later do not
    /// count, so that it is a bound from below.
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

/// <summary><c>None</c>.</summary>
internal sealed class PickleNone(int offset) : PickleNode(offset);

/// <summary><c>True</c> or <c>False</c>.</summary>
internal sealed class PickleBoolean(int offset, bool value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public bool Value { get; } = value;
}

/// <summary>An int that fits 64 bits.</summary>
internal sealed class PickleInteger(int offset, long value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public long Value { get; } = value;
}

/// <summary>An int that needs more than 64 bits: no size, stride or offset can be one.</summary>
internal sealed class PickleBigInteger(int offset, BigInteger value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public BigInteger Value { get; } = value;
}

/// <summary>A float.</summary>
internal sealed class PickleFloat(int offset, double value) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public double Value { get; } = value;
}

/// <summary>Bytes or a bytearray: where its payload stands.</summary>
internal sealed class PickleBytes(int offset, int start, int length) : PickleNode(offset)
{
    /// <summary>The payload's first byte, from the start of the pickle.</summary>
    public int Start { get; } = start;

    /// <summary>Bytes of the payload.</summary>
    public int Length { get; } = length;
}

/// <summary>A str. The uses of its memo slot are kept, because a rename must tell the uses as a key from the others.</summary>
internal sealed class PickleString(int offset, string text) : PickleNode(offset)
{
    /// <summary>The value.</summary>
    public string Text { get; } = text;

    /// <summary>The memo slot that holds the string, or −1.</summary>
    public long MemoSlot { get; internal set; } = -1;

    /// <summary>The instruction that put the string into its memo slot, or −1.</summary>
    internal int MemoizedAt { get; set; } = -1;

    /// <summary>The instructions that fetch the string from the memo, or null where none does.</summary>
    public IReadOnlyList<int>? Gets => gets;

    internal void AddGet(int at) => (gets ??= []).Add(at);

    private List<int>? gets;
}

/// <summary>A class or function that the pickle names. It is never looked up.</summary>
internal sealed class PickleGlobal(int offset, string module, string name) : PickleNode(offset)
{
    /// <summary>The module, as in <c>torch._utils</c>.</summary>
    public string Module { get; } = module;

    /// <summary>The name within the module; may have dots of its own.</summary>
    public string Name { get; } = name;

    /// <summary>The dotted name, as in <c>torch._utils._rebuild_tensor_v2</c>.</summary>
    public string FullName => $"{Module}.{Name}";
}

/// <summary>A code of <c>copyreg</c>'s extension registry, which stands for a global.</summary>
internal sealed class PickleExtension(int offset, long code) : PickleNode(offset)
{
    /// <summary>The code.</summary>
    public long Code { get; } = code;
}

/// <summary>A global whose module or name the pickle does not write but makes while it is loaded (STACK_GLOBAL on what a call returned).</summary>
internal sealed class PickleComputedGlobal(int offset) : PickleNode(offset);

/// <summary>A persistent id: PyTorch's way to name a storage.</summary>
internal sealed class PicklePersistent(int offset, PickleItem id) : PickleNode(offset)
{
    /// <summary>What identifies the object.</summary>
    public PickleItem Id { get; } = id;
}

/// <summary>What has parts that are values of their own.</summary>
internal abstract class PickleContainer(int offset) : PickleNode(offset)
{
    private int depth;
    private long weight = 1;

    /// <inheritdoc/>
    internal sealed override long Weight => weight;

    /// <inheritdoc/>
    internal sealed override int Depth => depth;

    /// <summary>Takes note of a part: sees to it that this stands for neither too many values nor too deep ones.</summary>
    /// <exception cref="MigrationException">It does, beyond <see cref="PickleLimits"/>.</exception>
    internal void Hold(PickleNode part)
    {
        weight += part.Weight;
        depth = Math.Max(depth, part.Depth + 1);
        if (depth > PickleLimits.Nesting)
        {
            throw PickleFailure.Limit(Offset, $"containers are nested more than {PickleLimits.Nesting} deep");
        }

        if (weight > PickleLimits.Weight)
        {
            throw PickleFailure.Limit(Offset, $"values that share values stand for more than {PickleLimits.Weight} of them");
        }
    }
}

/// <summary>A tuple.</summary>
internal sealed class PickleTuple(int offset, IReadOnlyList<PickleItem> items) : PickleContainer(offset)
{
    /// <summary>The items.</summary>
    public IReadOnlyList<PickleItem> Items { get; } = items;
}

/// <summary>What can take items or a state after it was made.</summary>
internal abstract class PickleMutable(int offset) : PickleContainer(offset)
{
    // Most objects are tensors and their empty dicts of hooks, which take nothing.
    private Contents? contents;

    /// <summary>What was appended or added, in order.</summary>
    public IReadOnlyList<PickleItem> Items => contents?.Items ?? (IReadOnlyList<PickleItem>)[];

    /// <summary>The keys and values that were set, in order; a key set twice stands here twice.</summary>
    public IReadOnlyList<PickleEntry> Entries => contents?.Entries ?? (IReadOnlyList<PickleEntry>)[];

    /// <summary>The argument of the last BUILD, where there was one.</summary>
    public PickleItem? State => contents is { State: { Node: not null } state } ? state : null;

    internal void Add(PickleItem item) => ((contents ??= new()).Items ??= []).Add(item);

    internal void Set(PickleEntry entry) => ((contents ??= new()).Entries ??= []).Add(entry);

    internal void Build(PickleItem state) => (contents ??= new()).State = state;

    private sealed class Contents
    {
        public List<PickleItem>? Items;
        public List<PickleEntry>? Entries;
        public PickleItem State;
    }
}

/// <summary>A list.</summary>
internal sealed class PickleList(int offset) : PickleMutable(offset);

/// <summary>A set or frozenset.</summary>
internal sealed class PickleSet(int offset) : PickleMutable(offset);

/// <summary>A dict.</summary>
internal sealed class PickleDict(int offset) : PickleMutable(offset);

/// <summary>What a call would make: REDUCE, NEWOBJ, NEWOBJ_EX, OBJ or INST. Nothing is called.</summary>
internal sealed class PickleObject(int offset, PickleNode callable, PickleNode arguments) : PickleMutable(offset)
{
    /// <summary>What would be called.</summary>
    public PickleNode Callable { get; } = callable;

    /// <summary>The positional arguments: a tuple, or whatever stands in its place.</summary>
    public PickleNode Arguments { get; } = arguments;

    /// <summary>The dotted name of what would be called, where it is a global.</summary>
    public string? CallableName => (Callable as PickleGlobal)?.FullName;
}
