namespace QkvMigrate.Pickling;

/// <summary>The contents of a FRAME (PEP 3154): its length field must stay true when bytes inside change.</summary>
/// <param name="LengthOffset">Where the 8 bytes of the length stand.</param>
/// <param name="Start">The first byte of the frame.</param>
/// <param name="End">The first byte behind it.</param>
public readonly record struct PickleFrame(int LengthOffset, int Start, int End);

/// <summary>What a pickle refers to outside of itself: all that could run code if Python loaded it.</summary>
/// <param name="Globals">Every global that it names, in order.</param>
/// <param name="Unnamed">
/// What it would look up or call without naming it: codes of the extension registry, globals whose name is computed, and
/// calls of what another call returned.
/// </param>
public sealed record PickleReferences(IReadOnlyList<PickleGlobal> Globals, IReadOnlyList<PickleNode> Unnamed);

/// <summary>A pickle that was read to its STOP without running any of it.</summary>
public sealed class PickleDocument
{
    internal PickleDocument(ReadOnlyMemory<byte> bytes, int protocol, PickleItem root, IReadOnlyList<PickleFrame> frames, IReadOnlyList<PickleString> strings, PickleReferences references, IReadOnlyList<PicklePersistent> persistents, PickleBudget budget)
    {
        Bytes = bytes;
        Protocol = protocol;
        Root = root;
        Frames = frames;
        Strings = strings;
        References = references;
        Persistents = persistents;
        Budget = budget;
    }

    /// <summary>The pickle, from its first opcode to its STOP.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The protocol that PROTO names; 0 without PROTO (protocols 0 and 1 write none).</summary>
    public int Protocol { get; }

    /// <summary>The value that loading would return.</summary>
    public PickleItem Root { get; }

    /// <summary>The frames, in order.</summary>
    public IReadOnlyList<PickleFrame> Frames { get; }

    /// <summary>Every string literal, in order.</summary>
    public IReadOnlyList<PickleString> Strings { get; }

    /// <summary>What the pickle refers to outside of itself.</summary>
    public PickleReferences References { get; }

    /// <summary>Every persistent id, in order.</summary>
    public IReadOnlyList<PicklePersistent> Persistents { get; }

    /// <summary>The memory that may still be made of the pickle.</summary>
    internal PickleBudget Budget { get; }
}
