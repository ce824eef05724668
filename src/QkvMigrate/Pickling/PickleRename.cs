using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>
/// Turns new texts for some uses of strings into edits. Picklers write a string once and fetch it from the memo
/// wherever the same object stands again, so a renamed key and a value that must stay can share one literal. Where they
/// do, one of them gets a literal of its own, without a memo slot. No pickler writes such a literal (CPython's
/// <c>save_str</c> memoizes each), which is how the way back finds it and makes it a GET again.
/// </summary>
internal static class PickleRename
{
    /// <summary>The edits that give each use of a string, named by the instruction that pushes it, its new text.</summary>
    public static List<PickleEdit> Plan(PickleDocument document, IReadOnlyDictionary<int, string> renames)
    {
        var reader = new PickleReader(document.Bytes);
        var edits = new List<PickleEdit>();
        var restorable = RenamedLiterals(document, renames);
        foreach (var literal in document.Strings)
        {
            var text = renames.GetValueOrDefault(literal.Offset, literal.Text);
            var renamed = text != literal.Text;
            if (literal.MemoSlot < 0
                && restorable.TryGetValue(text, out var twin)
                && twin.Offset < literal.Offset
                && (renamed || renames.ContainsKey(twin.Offset)))
            {
                edits.Add(Replace(reader.Read(literal.Offset), Fetch(document.Protocol, twin.MemoSlot)));
            }
            else if (renamed)
            {
                edits.Add(Literal(document, reader.Read(literal.Offset), reader.Read(literal.Offset).Opcode, text));
            }

            foreach (var get in literal.Gets ?? [])
            {
                var wanted = renames.GetValueOrDefault(get, literal.Text);
                if (wanted != text)
                {
                    edits.Add(Literal(document, reader.Read(get), reader.Read(literal.Offset).Opcode, wanted));
                }
            }
        }

        return edits;
    }

    /// <summary>The memoized literals by the text that they will have, the first of each.</summary>
    private static Dictionary<string, PickleString> RenamedLiterals(PickleDocument document, IReadOnlyDictionary<int, string> renames)
    {
        var unmemoized = document.Strings
            .Where(literal => literal.MemoSlot < 0)
            .Select(literal => renames.GetValueOrDefault(literal.Offset, literal.Text))
            .ToHashSet();
        var literals = new Dictionary<string, PickleString>();
        foreach (var literal in unmemoized.Count == 0 ? [] : document.Strings)
        {
            var text = renames.GetValueOrDefault(literal.Offset, literal.Text);
            if (literal.MemoSlot >= 0 && unmemoized.Contains(text))
            {
                literals.TryAdd(text, literal);
            }
        }

        return literals;
    }

    private static PickleEdit Literal(PickleDocument document, in PickleInstruction at, PickleOpcode form, string text) =>
        Replace(at, PickleText.Encode(form, document.Protocol, text));

    private static PickleEdit Replace(in PickleInstruction at, byte[] bytes) => new(at.Offset, at.End - at.Offset, bytes);

    /// <summary>GET in the form that CPython's pickler chooses (<c>_Pickler.get</c>).</summary>
    private static byte[] Fetch(int protocol, long slot) => (protocol, slot) switch
    {
        (0, _) => [(byte)PickleOpcode.Get, .. Encoding.ASCII.GetBytes(slot.ToString()), (byte)'\n'],
        (_, < 256) => [(byte)PickleOpcode.BinGet, (byte)slot],
        _ => [(byte)PickleOpcode.LongBinGet, .. BitConverter.GetBytes((uint)slot)],
    };
}
