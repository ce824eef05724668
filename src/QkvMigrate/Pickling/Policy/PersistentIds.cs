namespace QkvMigrate.Pickling.Policy;

/// <summary>Tells whether bytes are a pickle that asks whoever loads it for something outside: for a storage, by its key.</summary>
internal static class PersistentIds
{
    /// <summary>Whether one is in <paramref name="pickle"/>, as far as that is a pickle, or in the pickles of its strings.</summary>
    public static bool AreIn(ReadOnlyMemory<byte> pickle) => AreIn(pickle, NestedPickles.MaximumDepth);

    /// <summary>Whether one is in the pickles of the strings of <paramref name="pickle"/>.</summary>
    public static bool AreInStringsOf(ReadOnlyMemory<byte> pickle) => AreInStrings(pickle, NestedPickles.MaximumDepth);

    private static bool AreIn(ReadOnlyMemory<byte> pickle, int depth) => Asks(pickle) || AreInStrings(pickle, depth);

    private static bool AreInStrings(ReadOnlyMemory<byte> pickle, int depth) =>
        depth > 0 && NestedPickles.AsFarAsReadable(pickle).Exists(literal => AreIn(literal.Bytes, depth - 1));

    private static bool Asks(ReadOnlyMemory<byte> pickle)
    {
        var reader = new PickleReader(pickle);
        try
        {
            for (var offset = 0; ;)
            {
                var instruction = reader.Read(offset);
                if (instruction.Opcode is PickleOpcode.PersId or PickleOpcode.BinPersId or PickleOpcode.Stop)
                {
                    return instruction.Opcode != PickleOpcode.Stop;
                }

                offset = instruction.End;
            }
        }
        catch (MigrationException error) when (error.Kind == FailureKind.Malformed)
        {
            // Most bytes are no pickle.
            return false;
        }
    }
}
