namespace QkvMigrate.Pickling;

/// <summary>The contents of a FRAME (PEP 3154): its length field must stay true when bytes inside change.</summary>
/// <param name="LengthOffset">Where the 8 bytes of the length stand.</param>
/// <param name="Start">The first byte of the frame.</param>
/// <param name="End">The first byte behind it.</param>
internal readonly record struct PickleFrame(int LengthOffset, int Start, int End);

/// <summary>The instructions of a pickle, its frames, strings and references: enough to compare it and to rename in it.</summary>
internal sealed class PickleScript
{
    private readonly ReadOnlyMemory<byte> read;

    /// <summary>The script that <paramref name="read"/> starts with, up to <paramref name="end"/>; both decided what may be made of it.</summary>
    internal PickleScript(
        ReadOnlyMemory<byte> read,
        int end,
        int storages,
        int protocol,
        IReadOnlyList<PickleFrame> frames,
        IReadOnlyList<PickleString> strings,
        PickleReferences references)
    {
        this.read = read;
        Storages = storages;
        Bytes = read[..end];
        Protocol = protocol;
        Frames = frames;
        Strings = strings;
        References = references;
    }

    /// <summary>The pickle, from its first opcode to its STOP.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The protocol that PROTO names; 0 without PROTO (protocols 0 and 1 write none).</summary>
    public int Protocol { get; }

    /// <summary>The frames, in order.</summary>
    public IReadOnlyList<PickleFrame> Frames { get; }

    /// <summary>Every string literal, in order.</summary>
    public IReadOnlyList<PickleString> Strings { get; }

    /// <summary>What the pickle refers to outside of itself.</summary>
    public PickleReferences References { get; }

    /// <summary>The storages that the file was known to have.</summary>
    internal int Storages { get; }

    /// <summary>Reads the pickle once more, within the same limits: the same values, in nodes of their own.</summary>
    internal PickleDocument Read() => PickleMachine.Run(read, Storages);
}
