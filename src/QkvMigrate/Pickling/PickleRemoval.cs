using System.Text;

namespace QkvMigrate.Pickling;

/// <summary>
/// Takes entries out of the dicts of a pickle. What the removed bytes put into the memo and others fetch later is written
/// out where it is first fetched; a slot keeps its number, so MEMOIZE, which counts them, becomes a PUT behind a removal.
/// The frames go: one cannot be cut in the middle, and no unpickler needs them (PEP 3154).
/// </summary>
internal sealed class PickleRemoval
{
    private readonly PickleScript script;
    private readonly PickleReader reader;
    private readonly List<PickleEdit> edits = [];
    private readonly Dictionary<int, PickleGlobal> globals;

    /// <summary>What the slots that removed bytes filled hold: the bytes that push it, or null where these are more than one instruction.</summary>
    private readonly Dictionary<long, byte[]?> lost = [];

    private readonly HashSet<long> filled = [];

    private PickleRemoval(PickleScript script)
    {
        this.script = script;
        reader = new PickleReader(script.Bytes);
        globals = script.References.Globals.DistinctBy(global => global.Offset).ToDictionary(global => global.Offset);
    }

    /// <summary>The pickle without the entries that <paramref name="isRemoved"/> picks from <paramref name="dictionaries"/>.</summary>
    /// <exception cref="MigrationException">What is removed has something in it that is used elsewhere, too.</exception>
    public static PickleDocument Apply(PickleDocument document, IEnumerable<PickleMutable> dictionaries, Func<PickleEntry, bool> isRemoved)
    {
        var spans = dictionaries.SelectMany(dictionary => Spans(document.Script, dictionary, isRemoved)).OrderBy(span => span.Start).ToList();
        var rest = PickleMachine.Run(new PickleRemoval(document.Script).Apply(spans), document.Script.Storages);
        return PickleLikeness.AreAlike(document, rest, isRemoved)
            ? rest
            : throw new MigrationException(
                FailureKind.Unsupported,
                "what is to be taken out cannot be without a change to the rest", where: "pickle",
                offset: spans[0].Start);
    }

    private static IEnumerable<(int Start, int End)> Spans(PickleScript script, PickleMutable dictionary, Func<PickleEntry, bool> isRemoved)
    {
        var entries = dictionary.Entries;
        for (var i = 0; i < entries.Count; i++)
        {
            if (isRemoved(entries[i]))
            {
                var at = new PickleReader(script.Bytes).Read(entries[i].At);
                var isFollowed = i + 1 < entries.Count && entries[i + 1].At == entries[i].At;
                yield return (entries[i].Key.At, at.Opcode == PickleOpcode.SetItem ? at.End : isFollowed ? entries[i + 1].Key.At : at.Offset);
            }
        }
    }

    private byte[] Apply(List<(int Start, int End)> spans)
    {
        var next = 0;
        var before = default(PickleInstruction);
        for (var offset = 0; offset < script.Bytes.Length;)
        {
            var at = reader.Read(offset);
            while (next < spans.Count && spans[next].End <= offset)
            {
                next++;
            }

            var isRemoved = next < spans.Count && offset >= spans[next].Start;
            if (isRemoved && offset == spans[next].Start)
            {
                edits.Add(new PickleEdit(offset, spans[next].End - offset, default));
            }

            Step(at, before, isRemoved);
            before = at;
            offset = at.End;
        }

        return PickleEditor.Apply(script, edits);
    }

    private void Step(in PickleInstruction at, in PickleInstruction before, bool isRemoved)
    {
        switch (at.Opcode)
        {
            case PickleOpcode.Frame when !isRemoved:
                edits.Add(new PickleEdit(at.Offset, at.End - at.Offset, default));
                break;
            case var put when PickleMemoCode.IsPut(put):
                var slot = PickleMemoCode.Slot(reader, at, filled.Count);
                filled.Add(slot);
                if (isRemoved)
                {
                    lost[slot] = Push(before);
                    break;
                }

                if (at.Opcode == PickleOpcode.Memoize && lost.Count > 0)
                {
                    edits.Add(new PickleEdit(at.Offset, at.End - at.Offset, PickleMemoCode.Put(slot, isLine: false)));
                }

                lost.Remove(slot);
                break;
            case var get when PickleMemoCode.IsGet(get) && !isRemoved:
                var fetched = PickleMemoCode.Slot(reader, at, filled.Count);
                if (lost.Remove(fetched, out var push))
                {
                    byte[] writtenOut = [.. push ?? throw Shared(at), .. PickleMemoCode.Put(fetched, isLine: at.Opcode == PickleOpcode.Get)];
                    edits.Add(new PickleEdit(at.Offset, at.End - at.Offset, writtenOut));
                }

                break;
        }
    }

    /// <summary>What pushes again the value that <paramref name="at"/> pushed: a string or a global is pushed by one instruction.</summary>
    private byte[]? Push(in PickleInstruction at) => at.Opcode switch
    {
        PickleOpcode.String or PickleOpcode.BinString or PickleOpcode.ShortBinString or PickleOpcode.Unicode
            or PickleOpcode.BinUnicode or PickleOpcode.ShortBinUnicode or PickleOpcode.BinUnicode8 or PickleOpcode.Global
            => script.Bytes[at.Offset..at.End].ToArray(),
        PickleOpcode.StackGlobal when globals.TryGetValue(at.Offset, out var global) && !HasLineBreak(global.Module) && !HasLineBreak(global.Name)
            => [(byte)PickleOpcode.Global, .. Encoding.UTF8.GetBytes($"{global.Module}\n{global.Name}\n")],
        _ => null,
    };

    private static bool HasLineBreak(string text) => text.Contains('\n', StringComparison.Ordinal);

    private static MigrationException Shared(in PickleInstruction at) =>
        new(FailureKind.Unsupported, "what is to be taken out has an object in it that is used here, too", where: "pickle", offset: at.Offset);
}
