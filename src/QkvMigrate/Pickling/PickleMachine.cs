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
    private readonly PickleValues made;
    private readonly List<PickleFrame> frames = [];
    private int protocol;
    private int values;

    private PickleMachine(ReadOnlyMemory<byte> pickle, int storages)
    {
        this.pickle = pickle;
        this.storages = storages;
        reader = new PickleReader(pickle);
        budget = new PickleBudget(pickle.Length, storages);
        made = new PickleValues(reader, stack, budget);
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
    /// what is wrong. Only what is likely counts: the first byte of one in a hundred records of weights looks like an extension
    /// code.
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

        return machine.made.LikelyReferences;
    }

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
                var script = new PickleScript(pickle, instruction.End, storages, protocol, frames, made.Strings, made.References);
                return new PickleDocument(script, root, made.Persistents, budget);
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
                var value = made.Make(at);
                budget.Spend(at.Offset, PickleBudget.Of(value));
                Push(at, value);
                break;
        }
    }

    private void Push(in PickleInstruction at, PickleNode node)
    {
        if (++values > PickleLimits.Values)
        {
            throw TooMany(at);
        }

        stack.Push(at, node);
    }

    private static MigrationException TooMany(in PickleInstruction at) => PickleFailure.Limit(at.Offset, $"more than {PickleLimits.Values} values");

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
            made.SetPairs(at, target, items);
        }
        else
        {
            made.Filled(at, target, items);
        }
    }

    private PickleMutable Target(in PickleInstruction at) =>
        stack.Peek(at).Node as PickleMutable
        ?? throw PickleFailure.At(at.Offset, $"{at.Opcode} on a value that takes none");
}
