using System.Buffers.Binary;

namespace QkvMigrate.Pickling;

/// <summary>
/// Reads a pickle of protocol 0 to 5 with a symbolic stack and memo: every opcode does to nodes what CPython's
/// unpickler (Lib/pickle.py, <c>_Unpickler</c>) does to objects, and no opcode does anything else.
/// </summary>
internal sealed class PickleMachine
{
    private readonly ReadOnlyMemory<byte> pickle;
    private readonly PickleReader reader;
    private readonly int storages;
    private readonly PickleBudget budget;
    private readonly PickleStack stack = new();
    private readonly PickleMemo memo = new();
    private readonly List<PickleFrame> frames = [];
    private readonly List<PickleString> strings = [];
    private readonly List<PickleGlobal> globals = [];
    private readonly List<PickleNode> unnamed = [];
    private readonly HashSet<PickleNode> calledExtensions = new(ReferenceEqualityComparer.Instance);
    private readonly List<PicklePersistent> persistents = [];
    private int protocol;
    private int values;

    private PickleMachine(ReadOnlyMemory<byte> pickle, int storages)
    {
        this.pickle = pickle;
        this.storages = storages;
        reader = new PickleReader(pickle);
        budget = new PickleBudget(pickle.Length, storages);
    }

    /// <summary>Reads the pickle that starts with the first byte; what follows its STOP is not looked at.</summary>
    /// <param name="pickle">The bytes.</param>
    /// <param name="storages">How many storages the file has, as far as that is known before its pickle is read.</param>
    /// <exception cref="MigrationException">The bytes are no pickle, or one beyond <see cref="PickleLimits"/>.</exception>
    public static PickleDocument Run(ReadOnlyMemory<byte> pickle, int storages = 0)
    {
        if (pickle.Length > PickleLimits.Bytes)
        {
            throw PickleFailure.Limit(0, $"{pickle.Length} bytes are more than the {PickleLimits.Bytes} that a pickle may have");
        }

        return new PickleMachine(pickle, storages).Run();
    }

    /// <summary>
    /// What the bytes refer to, as far as they are a pickle: Python's unpickler, too, does what it reads before it meets
    /// what is wrong. An extension code counts where it is called, and a call where Python can call such a value: the first
    /// byte of one in a hundred records of weights looks like an extension code.
    /// </summary>
    public static PickleReferences Scan(ReadOnlyMemory<byte> bytes)
    {
        var machine = new PickleMachine(bytes, storages: 0);
        try
        {
            machine.Run();
        }
        catch (MigrationException)
        {
            // Most bytes are no pickle; what came before the first one that is none counts all the same.
        }

        machine.unnamed.RemoveAll(node => (node is PickleExtension && !machine.calledExtensions.Contains(node))
            || node is PickleObject { Callable: not (PickleObject or PicklePersistent) });
        return machine.References;
    }

    private PickleReferences References => new(globals, unnamed);

    private PickleDocument Run()
    {
        var frameEnd = 0;
        for (var offset = 0; ;)
        {
            var instruction = reader.Read(offset);
            if (instruction.Opcode == PickleOpcode.Frame)
            {
                frameEnd = Frame(instruction, frameEnd);
            }
            else if (offset < frameEnd && instruction.End > frameEnd)
            {
                throw PickleFailure.At(offset, $"{instruction.Opcode} crosses the end of its frame at byte {frameEnd}");
            }
            else if (instruction.Opcode == PickleOpcode.Stop)
            {
                var root = stack.Pop(instruction);
                var script = new PickleScript(pickle, instruction.End, storages, protocol, frames, strings, References);
                return new PickleDocument(script, root, persistents, budget);
            }
            else
            {
                Step(instruction);
            }

            offset = instruction.End;
        }
    }

    private int Frame(in PickleInstruction instruction, int frameEnd)
    {
        if (instruction.Offset < frameEnd)
        {
            throw PickleFailure.At(instruction.Offset, "a frame starts within a frame");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(reader.Argument(instruction));
        if (length > (ulong)(pickle.Length - instruction.End))
        {
            throw PickleFailure.CutOff(instruction.Offset, $"a frame announces {length} bytes, {pickle.Length - instruction.End} are left");
        }

        var end = instruction.End + (int)length;
        budget.Spend(instruction.Offset, PickleBudget.Item);
        frames.Add(new PickleFrame(instruction.ArgumentOffset, instruction.End, end));
        return end;
    }

    private void Step(in PickleInstruction at)
    {
        switch (at.Opcode)
        {
            case PickleOpcode.Proto:
                protocol = reader.Argument(at)[0];
                if (protocol > 5)
                {
                    throw PickleFailure.Limit(at.Offset, $"pickle protocol {protocol}, expected 0 to 5");
                }

                break;
            case PickleOpcode.Mark:
                stack.Mark(at);
                break;
            case PickleOpcode.Pop:
                stack.PopOrUnmark(at);
                break;
            case PickleOpcode.PopMark:
                stack.PopToMark(at);
                break;
            case PickleOpcode.Dup:
                // A second use of a value on the stack has no instruction of its own that a rename could change.
                Push(at, stack.Peek(at).Node is PickleString
                    ? throw PickleFailure.Limit(at.Offset, "DUP of a string, which no pickler writes")
                    : stack.Peek(at).Node);
                break;
            case var put when PickleMemoCode.IsPut(put):
                Memoize(at);
                break;
            case var get when PickleMemoCode.IsGet(get):
                Recall(at);
                break;
            case PickleOpcode.Append or PickleOpcode.Appends or PickleOpcode.AddItems or PickleOpcode.SetItem
                or PickleOpcode.SetItems or PickleOpcode.Build:
                Mutate(at);
                break;
            case PickleOpcode.NextBuffer or PickleOpcode.ReadOnlyBuffer:
                throw PickleFailure.Limit(at.Offset, $"{at.Opcode} refers to a buffer outside of the file");
            default:
                var made = Make(at);
                budget.Spend(at.Offset, PickleBudget.Of(made));
                Push(at, made);
                break;
        }
    }

    /// <summary>The opcodes that make a new value.</summary>
    private PickleNode Make(in PickleInstruction at)
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
                return Global(at.Offset, PickleText.Lines(reader.Argument(at)));
            case PickleOpcode.StackGlobal:
                var names = stack.Pop(at, 2);
                return names[0].Node is PickleString module && names[1].Node is PickleString name
                    ? Global(at.Offset, (module.Text, name.Text))
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
                var call = stack.Pop(at, 2);
                return Call(at, call[0].Node, call[1].Node);
            case PickleOpcode.NewObjEx:
                var parts = stack.Pop(at, 3);
                return Call(at, parts[0].Node, Tuple(at, [parts[1], parts[2]]));
            case PickleOpcode.Inst:
                var arguments = stack.PopToMark(at);
                return Call(at, Global(at.Offset, PickleText.Lines(reader.Argument(at))), Tuple(at, arguments));
            case PickleOpcode.Obj:
                var items = stack.PopToMark(at);
                return items.Length > 0
                    ? Call(at, items[0].Node, Tuple(at, items[1..]))
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

    private PickleGlobal Global(int offset, (string Module, string Name) names)
    {
        var global = new PickleGlobal(offset, names.Module, names.Name);
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

    private PickleObject Call(in PickleInstruction at, PickleNode callable, PickleNode arguments)
    {
        var call = new PickleObject(at.Offset, callable, arguments);
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

    private void Push(in PickleInstruction at, PickleNode node)
    {
        if (++values > PickleLimits.Values)
        {
            throw PickleFailure.Limit(at.Offset, $"more than {PickleLimits.Values} values");
        }

        stack.Push(at, node);
    }

    private void Memoize(in PickleInstruction at)
    {
        var slot = PickleMemoCode.Slot(reader, at, memo.Count);
        var node = stack.Peek(at).Node;
        budget.Spend(at.Offset, slot <= memo.Count ? PickleBudget.Reference : PickleBudget.Slot);
        memo.Put(at, slot, node);
        if (node is PickleString text && text.MemoSlot < 0)
        {
            text.MemoSlot = slot;
            text.MemoizedAt = at.Offset;
        }
    }

    private void Recall(in PickleInstruction at)
    {
        var slot = PickleMemoCode.Slot(reader, at, memo.Count);
        var node = memo.Get(at, slot);
        if (node is PickleString text)
        {
            budget.Spend(at.Offset, text.Gets is null ? PickleBudget.List : sizeof(long));
            text.AddGet(at.Offset);
        }

        Push(at, node);
    }

    private void Mutate(in PickleInstruction at)
    {
        if (at.Opcode == PickleOpcode.Build)
        {
            var state = stack.Pop(at);
            var built = Target(at);
            budget.Spend(at.Offset, PickleBudget.Contents);
            built.Build(state);
            built.Hold(state.Node);
            return;
        }

        var items = at.Opcode switch
        {
            PickleOpcode.Append => stack.Pop(at, 1),
            PickleOpcode.SetItem => stack.Pop(at, 2),
            _ => stack.PopToMark(at),
        };
        var target = Target(at);
        if (at.Opcode is PickleOpcode.SetItem or PickleOpcode.SetItems)
        {
            SetPairs(at, target, items);
        }
        else
        {
            Filled(at, target, items);
        }
    }

    private PickleMutable Target(in PickleInstruction at) =>
        stack.Peek(at).Node as PickleMutable
        ?? throw PickleFailure.At(at.Offset, $"{at.Opcode} on a value that takes none");

    private PickleMutable Filled(in PickleInstruction at, PickleMutable target, PickleItem[] items)
    {
        budget.Spend(at.Offset, (target.Items.Count == 0 ? PickleBudget.Contents : 0) + ((long)PickleBudget.Item * items.Length));
        foreach (var item in items)
        {
            target.Add(item);
            target.Hold(item.Node);
        }

        return target;
    }

    private void SetPairs(in PickleInstruction at, PickleMutable target, PickleItem[] items)
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
}
