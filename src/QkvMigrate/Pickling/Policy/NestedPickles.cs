namespace QkvMigrate.Pickling.Policy;

/// <summary>
/// Finds pickles inside the strings and bytes of a pickle. Python does not load them by itself; whoever puts one there
/// has something load it.
/// </summary>
internal static class NestedPickles
{
    /// <summary>Bytes that tell whether a pickle may start there.</summary>
    public const int HeadLength = 2;

    /// <summary>Bytes of the largest one that is looked at: all that could run code stands near the start of one that is made for it.</summary>
    public const int MaximumLength = 64 << 20;

    /// <summary>Pickles in pickles in pickles: what is hidden more deeply needs a loader that is named further up.</summary>
    public const int MaximumDepth = 4;

    /// <summary>More strings that look like pickles than this have no other purpose than to cost time.</summary>
    private const int MaximumCount = 10_000;

    /// <summary>The opcodes with which a pickle that names anything can begin: PROTO and FRAME, MARK, GLOBAL, extensions, and strings.</summary>
    private static ReadOnlySpan<byte> Starts =>
    [
        (byte)PickleOpcode.Proto, (byte)PickleOpcode.Frame, (byte)PickleOpcode.Mark, (byte)PickleOpcode.Global,
        (byte)PickleOpcode.Ext1, (byte)PickleOpcode.Ext2, (byte)PickleOpcode.Ext4,
        (byte)PickleOpcode.ShortBinUnicode, (byte)PickleOpcode.BinUnicode, (byte)PickleOpcode.BinUnicode8, (byte)PickleOpcode.Unicode,
        (byte)PickleOpcode.String, (byte)PickleOpcode.BinString, (byte)PickleOpcode.ShortBinString,
        (byte)PickleOpcode.EmptyTuple, (byte)PickleOpcode.EmptyList, (byte)PickleOpcode.EmptyDict, (byte)PickleOpcode.None,
    ];

    /// <summary>The opcodes of protocol 2 and later that name something outside.</summary>
    private static ReadOnlySpan<byte> Names =>
        [(byte)PickleOpcode.StackGlobal, (byte)PickleOpcode.Ext1, (byte)PickleOpcode.Ext2, (byte)PickleOpcode.Ext4];

    /// <summary>Whether a pickle may start with these bytes.</summary>
    public static bool MayStart(ReadOnlySpan<byte> head) => head.Length >= HeadLength && Starts.Contains(head[0]);

    /// <summary>The payloads of the strings and bytes of <paramref name="pickle"/> that may be pickles, with the offsets of their instructions.</summary>
    /// <exception cref="MigrationException">There are more of them than any checkpoint has.</exception>
    public static IEnumerable<(int Offset, ReadOnlyMemory<byte> Bytes)> In(ReadOnlyMemory<byte> pickle)
    {
        var reader = new PickleReader(pickle);
        var count = 0;
        for (var offset = 0; ;)
        {
            var instruction = reader.Read(offset);
            if (instruction.Opcode == PickleOpcode.Stop)
            {
                yield break;
            }

            if (Payload(pickle, instruction) is { } payload && IsCandidate(payload.Span))
            {
                if (++count > MaximumCount)
                {
                    throw PickleFailure.Limit(offset, $"more than {MaximumCount} strings that look like pickles");
                }

                yield return (offset, payload.Length > MaximumLength ? payload[..MaximumLength] : payload);
            }

            offset = instruction.End;
        }
    }

    /// <summary>As <see cref="In"/>, up to the first byte that is no instruction.</summary>
    public static List<(int Offset, ReadOnlyMemory<byte> Bytes)> AsFarAsReadable(ReadOnlyMemory<byte> pickle)
    {
        var found = new List<(int, ReadOnlyMemory<byte>)>();
        try
        {
            found.AddRange(In(pickle));
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Malformed)
        {
            // A nested pickle may break off; a document never does, because the machine has read it to its end.
        }

        return found;
    }

    private static ReadOnlyMemory<byte>? Payload(ReadOnlyMemory<byte> pickle, in PickleInstruction at)
    {
        switch (at.Opcode)
        {
            case PickleOpcode.BinBytes or PickleOpcode.ShortBinBytes or PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8
                or PickleOpcode.BinString or PickleOpcode.ShortBinString
                or PickleOpcode.BinUnicode or PickleOpcode.ShortBinUnicode or PickleOpcode.BinUnicode8:
                return pickle.Slice(at.ArgumentOffset, at.ArgumentLength);
            case PickleOpcode.String or PickleOpcode.Unicode:
                return System.Text.Encoding.Latin1.GetBytes(PickleText.Decode(at, pickle.Span.Slice(at.ArgumentOffset, at.ArgumentLength)));
            default:
                return null;
        }
    }

    private static bool IsCandidate(ReadOnlySpan<byte> bytes) =>
        MayStart(bytes)
        && ((bytes[0] == (byte)PickleOpcode.Proto && bytes[1] <= 5) || bytes.Count((byte)'\n') >= 2 || bytes.IndexOfAny(Names) >= 0);
}
