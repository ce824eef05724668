using System.Globalization;
using System.Text;
using QkvMigrate.Pickling;

namespace QkvMigrate.Tests.Pickling;

/// <summary>A dict of a document that <see cref="PickleWriter"/> writes.</summary>
internal sealed record PickledDict(IReadOnlyList<(object Key, object Value)> Entries);

/// <summary>
/// Pickles documents of strings, ints, lists and dicts as CPython does (Lib/pickle.py, <c>_Pickler</c>): a string that
/// stands in several places, as the same object, is written once and fetched from the memo. Frames are short, so that
/// small documents have several.
/// </summary>
internal sealed class PickleWriter
{
    private readonly int protocol;
    private readonly int frameBytes;
    private readonly List<byte> pickle = [];
    private readonly List<byte> frame = [];
    private readonly Dictionary<object, int> memo = new(ReferenceEqualityComparer.Instance);

    private PickleWriter(int protocol, int frameBytes) => (this.protocol, this.frameBytes) = (protocol, frameBytes);

    public static byte[] Write(object document, int protocol, int frameBytes = 64)
    {
        var writer = new PickleWriter(protocol, frameBytes);
        if (protocol >= 2)
        {
            writer.pickle.AddRange([(byte)PickleOpcode.Proto, (byte)protocol]);
        }

        writer.Save(document);
        writer.Emit(PickleOpcode.Stop);
        writer.EndFrame();
        return [.. writer.pickle];
    }

    private void Save(object value)
    {
        if (frame.Count >= frameBytes)
        {
            EndFrame();
        }

        if (memo.TryGetValue(value, out var slot))
        {
            Memo(PickleOpcode.Get, PickleOpcode.BinGet, PickleOpcode.LongBinGet, slot);
            return;
        }

        switch (value)
        {
            case int number when protocol == 0:
                Emit(PickleOpcode.Int, Encoding.ASCII.GetBytes($"{number}\n"));
                return;
            case int number:
                Emit(PickleOpcode.BinInt, BitConverter.GetBytes(number));
                return;
            case string text:
                SaveText(text);
                Memoize(value);
                return;
            case List<object> list:
                SaveEmpty(PickleOpcode.List, PickleOpcode.EmptyList);
                Memoize(value);
                SaveItems(list.Count, PickleOpcode.Append, PickleOpcode.Appends, i => Save(list[i]));
                return;
            case PickledDict { Entries: var entries }:
                SaveEmpty(PickleOpcode.Dict, PickleOpcode.EmptyDict);
                Memoize(value);
                SaveItems(entries.Count, PickleOpcode.SetItem, PickleOpcode.SetItems, i =>
                {
                    Save(entries[i].Key);
                    Save(entries[i].Value);
                });
                return;
            default:
                throw new ArgumentException($"a {value.GetType().Name} cannot be pickled", nameof(value));
        }
    }

    private void SaveText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (protocol == 0)
        {
            Emit(PickleOpcode.Unicode, Encoding.Latin1.GetBytes(PickleEscapes.EscapeUnicode(text) + "\n"));
        }
        else if (protocol >= 4 && bytes.Length < 256)
        {
            Emit(PickleOpcode.ShortBinUnicode, [(byte)bytes.Length, .. bytes]);
        }
        else
        {
            Emit(PickleOpcode.BinUnicode, [.. BitConverter.GetBytes(bytes.Length), .. bytes]);
        }
    }

    private void SaveEmpty(PickleOpcode marked, PickleOpcode empty)
    {
        if (protocol == 0)
        {
            Emit(PickleOpcode.Mark);
            Emit(marked);
        }
        else
        {
            Emit(empty);
        }
    }

    private void SaveItems(int count, PickleOpcode one, PickleOpcode several, Action<int> save)
    {
        var batch = protocol > 0 && count > 1;
        if (batch)
        {
            Emit(PickleOpcode.Mark);
        }

        for (var i = 0; i < count; i++)
        {
            save(i);
            if (!batch)
            {
                Emit(one);
            }
        }

        if (batch)
        {
            Emit(several);
        }
    }

    private void Memoize(object value)
    {
        if (protocol >= 4)
        {
            Emit(PickleOpcode.Memoize);
        }
        else
        {
            Memo(PickleOpcode.Put, PickleOpcode.BinPut, PickleOpcode.LongBinPut, memo.Count);
        }

        memo.Add(value, memo.Count);
    }

    private void Memo(PickleOpcode line, PickleOpcode small, PickleOpcode large, int slot)
    {
        if (protocol == 0)
        {
            Emit(line, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{slot}\n")));
        }
        else if (slot < 256)
        {
            Emit(small, [(byte)slot]);
        }
        else
        {
            Emit(large, BitConverter.GetBytes(slot));
        }
    }

    private void Emit(PickleOpcode opcode, params ReadOnlySpan<byte> argument)
    {
        frame.Add((byte)opcode);
        frame.AddRange(argument);
    }

    private void EndFrame()
    {
        if (protocol >= 4)
        {
            pickle.AddRange([(byte)PickleOpcode.Frame, .. BitConverter.GetBytes((long)frame.Count)]);
        }

        pickle.AddRange(frame);
        frame.Clear();
    }
}
