namespace QkvMigrate.Pickling;

/// <summary>
/// Makes the values of a pickle, one instruction at a time, and collects its strings, its persistent ids, and what it refers
/// to outside of itself.
/// </summary>
internal sealed class PickleValues(PickleReader reader, PickleStack stack, PickleBudget budget)
{
    /// <summary>The start of a call whose instructions do not begin with its callable.</summary>
    private const int Unknown = -1;

    private readonly List<PickleString> strings = [];
    private readonly List<PickleGlobal> globals = [];
    private readonly List<PickleNode> unnamed = [];
    private readonly HashSet<PickleNode> calledExtensions = new(ReferenceEqualityComparer.Instance);
    private readonly List<PicklePersistent> persistents = [];

    /// <summary>Every string literal, in order.</summary>
    public IReadOnlyList<PickleString> Strings => strings;

    /// <summary>Every persistent id, in order.</summary>
    public IReadOnlyList<PicklePersistent> Persistents => persistents;

    /// <summary>What the pickle refers to outside of itself.</summary>
    public PickleReferences References => new(globals, unnamed);

    /// <summary>
    /// What bytes refer to that are perhaps no pickle: an extension code counts where it is called, and a call where Python
    /// can call such a value.
    /// </summary>
    public PickleReferences LikelyReferences => new(globals, [.. unnamed.Where(IsLikely)]);

    /// <summary>The opcodes that make a new value.</summary>
    public PickleNode Make(in PickleInstruction at)
    {
        switch (at.Opcode)
        {
            case PickleOpcode.None:
                return new PickleNone(at.Offset);
            case PickleOpcode.NewTrue or PickleOpcode.NewFalse:
                return new PickleBoolean(at.Offset, at.Opcode == PickleOpcode.NewTrue);
            case PickleOpcode.BinInt or PickleOpcode.BinInt1 or PickleOpcode.BinInt2 or PickleOpcode.Int
                or PickleOpcode.Long or PickleOpcode.Long1 or PickleOpcode.Long4 or PickleOpcode.Float or PickleOpcode.BinFloat:
                return PickleNumbers.Read(at, reader.Argument(at));
            case PickleOpcode.String or PickleOpcode.BinString or PickleOpcode.ShortBinString or PickleOpcode.Unicode
                or PickleOpcode.BinUnicode or PickleOpcode.ShortBinUnicode or PickleOpcode.BinUnicode8:
                var text = new PickleString(at.Offset, PickleText.Decode(at, reader.Argument(at)));
                strings.Add(text);
                return text;
            case PickleOpcode.BinBytes or PickleOpcode.ShortBinBytes or PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8:
                return new PickleBytes(at.Offset, at.ArgumentOffset, at.ArgumentLength);
            case PickleOpcode.EmptyTuple:
                return new PickleTuple(at.Offset, []);
            case PickleOpcode.Tuple1 or PickleOpcode.Tuple2 or PickleOpcode.Tuple3:
                return Tuple(at, stack.Pop(at, at.Opcode - PickleOpcode.Tuple1 + 1));
            case PickleOpcode.Tuple:
                return Tuple(at, stack.PopToMark(at));
            case PickleOpcode.EmptyList:
                return new PickleList(at.Offset);
            case PickleOpcode.List:
                return Filled(at, new PickleList(at.Offset), stack.PopToMark(at));
            case PickleOpcode.EmptySet:
                return new PickleSet(at.Offset);
            case PickleOpcode.FrozenSet:
                return Filled(at, new PickleSet(at.Offset), stack.PopToMark(at));
            case PickleOpcode.EmptyDict:
                return new PickleDict(at.Offset);
            case PickleOpcode.Dict:
                var dictionary = new PickleDict(at.Offset);
                SetPairs(at, dictionary, stack.PopToMark(at));
                return dictionary;
            default:
                return MakeByName(at);
        }
    }

    /// <summary>The opcodes that name something outside of the pickle, and those that would call it.</summary>
    private PickleNode MakeByName(in PickleInstruction at)
    {
        switch (at.Opcode)
        {
            case PickleOpcode.Global:
                return Global(at.Offset, at.Offset, PickleText.Lines(reader.Argument(at)));
            case PickleOpcode.StackGlobal:
                var (first, second) = stack.PopTwo(at);
                return first.Node is PickleString module && second.Node is PickleString name
                    ? Global(at.Offset, first.At, (module.Text, name.Text))
                    : Unnamed(new PickleComputedGlobal(at.Offset));
            case PickleOpcode.Ext1 or PickleOpcode.Ext2 or PickleOpcode.Ext4:
                return Unnamed(new PickleExtension(at.Offset, PickleNumbers.Unsigned(reader.Argument(at))));
            case PickleOpcode.PersId:
                var id = new PickleString(at.Offset, PickleText.Decode(at, reader.Argument(at)));
                budget.Spend(at.Offset, PickleBudget.Of(id));
                return Persistent(at.Offset, new PickleItem(id, at.Offset));
            case PickleOpcode.BinPersId:
                return Persistent(at.Offset, stack.Pop(at));
            case PickleOpcode.Reduce or PickleOpcode.NewObj:
                var (callable, argument) = stack.PopTwo(at);
                return Call(at, StartOf(callable), callable.Node, argument.Node);
            case PickleOpcode.NewObjEx:
                var parts = stack.Pop(at, 3);
                return Call(at, StartOf(parts[0]), parts[0].Node, Tuple(at, [parts[1], parts[2]]));
            case PickleOpcode.Inst:
                var arguments = stack.PopToMark(at);
                return Call(at, Unknown, Global(at.Offset, at.Offset, PickleText.Lines(reader.Argument(at))), Tuple(at, arguments));
            case PickleOpcode.Obj:
                var items = stack.PopToMark(at);
                return items.Length > 0
                    ? Call(at, Unknown, items[0].Node, Tuple(at, items[1..]))
                    : throw PickleFailure.At(at.Offset, "OBJ without a class");
            default:
                throw new InvalidOperationException($"opcode {at.Opcode} is not handled");
        }
    }

    private PicklePersistent Persistent(int offset, PickleItem id)
    {
        var persistent = new PicklePersistent(offset, id);
        persistents.Add(persistent);
        return persistent;
    }

    private PickleGlobal Global(int offset, int start, (string Module, string Name) names)
    {
        var global = new PickleGlobal(offset, start, names.Module, names.Name);
        globals.Add(global);
        return global;
    }

    private static PickleTuple Tuple(in PickleInstruction at, PickleItem[] items)
    {
        var tuple = new PickleTuple(at.Offset, items);
        foreach (var item in items)
        {
            tuple.Hold(item.Node);
        }

        return tuple;
    }

    /// <summary>Where the instructions of a call begin that has its callable as its first value.</summary>
    private static int StartOf(PickleItem callable) =>
        callable.At != callable.Node.Offset ? callable.At
        : callable.Node is PickleGlobal global ? global.Start
        : Unknown;

    private PickleObject Call(in PickleInstruction at, int start, PickleNode callable, PickleNode arguments)
    {
        var call = new PickleObject(at.Offset, start, callable, arguments);
        call.Hold(arguments);
        if (callable is PickleExtension)
        {
            calledExtensions.Add(callable);
        }
        else if (callable is not (PickleGlobal or PickleComputedGlobal))
        {
            unnamed.Add(call);
        }

        return call;
    }

    private PickleNode Unnamed(PickleNode node)
    {
        unnamed.Add(node);
        return node;
    }

    /// <summary>Puts items into a list or a set, and returns it.</summary>
    public PickleMutable Filled(in PickleInstruction at, PickleMutable target, PickleItem[] items)
    {
        budget.Spend(at.Offset, (target.Items.Count == 0 ? PickleBudget.Contents : 0) + ((long)PickleBudget.Item * items.Length));
        foreach (var item in items)
        {
            target.Add(item);
            target.Hold(item.Node);
        }

        return target;
    }

    /// <summary>Puts keys and values, which alternate in <paramref name="items"/>, into a dict.</summary>
    public void SetPairs(in PickleInstruction at, PickleMutable target, PickleItem[] items)
    {
        if (items.Length % 2 != 0)
        {
            throw PickleFailure.At(at.Offset, $"{at.Opcode} has a key without a value");
        }

        budget.Spend(at.Offset, (target.Entries.Count == 0 ? PickleBudget.Contents : 0) + ((long)PickleBudget.Entry * items.Length / 2));
        for (var i = 0; i < items.Length; i += 2)
        {
            target.Set(new PickleEntry(items[i], items[i + 1], at.Offset));
            target.Hold(items[i].Node);
            target.Hold(items[i + 1].Node);
        }
    }

    private bool IsLikely(PickleNode node) => node switch
    {
        PickleExtension => calledExtensions.Contains(node),
        PickleObject call => call.Callable is PickleObject or PicklePersistent,
        _ => true,
    };
}
