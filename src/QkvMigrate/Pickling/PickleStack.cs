using System.Runtime.InteropServices;

namespace QkvMigrate.Pickling;

/// <summary>The machine's stack with its marks. Nothing can be taken from below the topmost mark except by closing it.</summary>
internal sealed class PickleStack
{
    private readonly List<PickleItem> items = new(64);
    private readonly Stack<int> marks = new();

    private int Floor => marks.Count > 0 ? marks.Peek() : 0;

    public void Push(in PickleInstruction at, PickleNode node)
    {
        if (items.Count >= PickleLimits.Stack)
        {
            throw Full(at);
        }

        items.Add(new PickleItem(node, at.Offset));
    }

    public void Mark(in PickleInstruction at)
    {
        if (marks.Count >= PickleLimits.Marks)
        {
            throw PickleFailure.Limit(at.Offset, $"more than {PickleLimits.Marks} open marks");
        }

        marks.Push(items.Count);
    }

    public PickleItem Peek(in PickleInstruction at) =>
        items.Count > Floor ? items[^1] : throw Underflow(at, 1);

    public PickleItem Pop(in PickleInstruction at)
    {
        var item = Peek(at);
        items.RemoveAt(items.Count - 1);
        return item;
    }

    /// <summary>Takes the topmost two values, the deeper one first.</summary>
    public (PickleItem First, PickleItem Second) PopTwo(in PickleInstruction at)
    {
        if (items.Count - 2 < Floor)
        {
            throw Underflow(at, 2);
        }

        var second = Pop(at);
        return (Pop(at), second);
    }

    /// <summary>Takes the topmost <paramref name="count"/> values, the deepest first.</summary>
    public PickleItem[] Pop(in PickleInstruction at, int count) =>
        items.Count - count >= Floor ? Take(items.Count - count) : throw Underflow(at, count);

    /// <summary>POP takes a mark away where it meets one (CPython, <c>load_pop</c>).</summary>
    public void PopOrUnmark(in PickleInstruction at)
    {
        if (items.Count == Floor && marks.Count > 0)
        {
            marks.Pop();
        }
        else
        {
            Pop(at);
        }
    }

    public PickleItem[] PopToMark(in PickleInstruction at) =>
        marks.Count > 0 ? Take(marks.Pop()) : throw PickleFailure.At(at.Offset, $"{at.Opcode} without a mark");

    private PickleItem[] Take(int from)
    {
        var taken = CollectionsMarshal.AsSpan(items)[from..].ToArray();
        items.RemoveRange(from, items.Count - from);
        return taken;
    }

    private static MigrationException Full(in PickleInstruction at) =>
        PickleFailure.Limit(at.Offset, $"more than {PickleLimits.Stack} values on the stack");

    private static MigrationException Underflow(in PickleInstruction at, int count) =>
        PickleFailure.At(at.Offset, $"{at.Opcode} needs {count} value(s) on the stack");
}
