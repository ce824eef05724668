namespace QkvMigrate.Pickling;

/// <summary>
/// Writes the instructions that make a value once more, for a place where it was fetched from the memo. The copy puts
/// nothing into the memo, so that no slot gets another value or number.
/// </summary>
internal static class PickleCopy
{
    /// <summary>The copy.</summary>
    /// <param name="script">The pickle.</param>
    /// <param name="start">The first instruction.</param>
    /// <param name="end">The one behind the last.</param>
    /// <param name="edits">What stands in the copy instead of an instruction, by where that one is.</param>
    public static byte[] Of(PickleScript script, int start, int end, IReadOnlyDictionary<int, byte[]> edits)
    {
        var reader = new PickleReader(script.Bytes);
        var copy = new MemoryStream();
        for (var offset = start; offset < end;)
        {
            var at = reader.Read(offset);
            if (edits.TryGetValue(offset, out var edited))
            {
                copy.Write(edited);
            }
            else if (at.Opcode != PickleOpcode.Frame && !PickleMemoCode.IsPut(at.Opcode))
            {
                copy.Write(script.Bytes.Span[at.Offset..at.End]);
            }

            offset = at.End;
        }

        return copy.ToArray();
    }
}
