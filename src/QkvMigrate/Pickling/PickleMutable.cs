namespace QkvMigrate.Pickling;

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
internal sealed class PickleObject(int offset, int start, PickleNode callable, PickleNode arguments) : PickleMutable(offset)
{
    /// <summary>The instruction with which the call begins, or −1 where it is not one run of instructions that begins with its callable.</summary>
    public int Start { get; } = start;

    /// <summary>What would be called.</summary>
    public PickleNode Callable { get; } = callable;

    /// <summary>The positional arguments: a tuple, or whatever stands in its place.</summary>
    public PickleNode Arguments { get; } = arguments;

    /// <summary>The dotted name of what would be called, where it is a global.</summary>
    public string? CallableName => (Callable as PickleGlobal)?.FullName;
}
