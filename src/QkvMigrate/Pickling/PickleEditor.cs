using System.Buffers.Binary;

namespace QkvMigrate.Pickling;

/// <summary>
/// Changes single instructions of a pickle and copies every other byte, so that objects this tool has never heard of
/// pass through unharmed. Lengths of frames are mended.
/// </summary>
internal static class PickleEditor
{
    /// <summary>The pickle with the edits applied.</summary>
    /// <param name="script">The pickle.</param>
    /// <param name="edits">
    /// Edits that do not overlap, in any order; each lies in one frame, or in none, or takes away the FRAME of every frame it
    /// touches.
    /// </param>
    public static byte[] Apply(PickleScript script, IEnumerable<PickleEdit> edits)
    {
        var sorted = edits.OrderBy(edit => edit.Offset).ToList();
        var growth = sorted.Sum(edit => (long)edit.Replacement.Length - edit.Length);
        var source = script.Bytes.Span;
        var result = new byte[checked((int)(source.Length + growth))];
        var read = 0;
        var written = 0;
        foreach (var edit in sorted)
        {
            if (edit.Offset < read)
            {
                throw new ArgumentException($"edits overlap at byte {edit.Offset}", nameof(edits));
            }

            source[read..edit.Offset].CopyTo(result.AsSpan(written));
            written += edit.Offset - read;
            edit.Replacement.Span.CopyTo(result.AsSpan(written));
            written += edit.Replacement.Length;
            read = edit.Offset + edit.Length;
        }

        source[read..].CopyTo(result.AsSpan(written));
        MendFrames(script, sorted, result);
        return result;
    }

    private static void MendFrames(PickleScript script, List<PickleEdit> sorted, byte[] result)
    {
        var next = 0;
        var shift = 0;
        foreach (var frame in script.Frames)
        {
            for (; next < sorted.Count && sorted[next].Offset < frame.Start; next++)
            {
                shift += sorted[next].Replacement.Length - sorted[next].Length;
            }

            if (next > 0 && sorted[next - 1].Offset + sorted[next - 1].Length > frame.LengthOffset)
            {
                continue;
            }

            var growth = 0;
            var field = result.AsSpan(frame.LengthOffset + shift, sizeof(ulong));
            for (; next < sorted.Count && sorted[next].Offset < frame.End; next++)
            {
                growth += sorted[next].Replacement.Length - sorted[next].Length;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(field, (ulong)(frame.End - frame.Start + growth));
            shift += growth;
        }
    }
}
