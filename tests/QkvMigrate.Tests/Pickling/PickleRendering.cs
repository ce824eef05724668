using System.Globalization;
using System.Text;
using QkvMigrate.Pickling;
using QkvMigrate.Testing.Processes;

namespace QkvMigrate.Tests.Pickling;

/// <summary>
/// Writes the value that a pickle makes as text, in the words of <c>render_pickles.py</c>, which does the same with
/// what CPython makes of it: what was called with what, and what was put into it. A list, dict, set or object that
/// stands somewhere again is written as <c>#</c> and its number.
/// </summary>
internal sealed class PickleRendering
{
    private readonly ReadOnlyMemory<byte> pickle;
    private readonly Dictionary<PickleNode, int> seen = [];

    private PickleRendering(ReadOnlyMemory<byte> pickle) => this.pickle = pickle;

    /// <summary>What CPython makes of each pickle, in the same words.</summary>
    public static IReadOnlyList<string> ByPython(IEnumerable<byte[]> pickles) =>
        Python.Lines("QkvMigrate.Tests/Pickling/render_pickles.py", pickles.Select(Convert.ToHexStringLower));

    public static string Text(ReadOnlyMemory<byte> pickle) => Text(PickleMachine.Run(pickle));

    public static string Text(PickleDocument document) => new PickleRendering(document.Script.Bytes).Text(document.Root.Node);

    private string Text(PickleNode node)
    {
        if (node is PickleMutable)
        {
            if (seen.TryGetValue(node, out var number))
            {
                return $"#{number}";
            }

            seen.Add(node, seen.Count);
        }

        return node switch
        {
            PickleNone => "None",
            PickleBoolean boolean => boolean.Value ? "True" : "False",
            PickleInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
            PickleBigInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
            PickleFloat { Value: double.NaN } => "float nan",
            PickleFloat number => $"float {BitConverter.DoubleToInt64Bits(number.Value):x16}",
            PickleString text => Quoted(text.Text),
            PickleBytes bytes => $"bytes {Hex(pickle.Span.Slice(bytes.Start, bytes.Length))}",
            PickleTuple tuple => $"({Joined(tuple.Items)})",
            PickleList list => $"[{Joined(list.Items)}]",
            PickleSet set => $"set {{{string.Join(", ", set.Items.Select(item => Text(item.Node)).Order(StringComparer.Ordinal))}}}",
            PickleDict dictionary => Pairs(dictionary),
            PicklePersistent persistent => $"pers({Text(persistent.Id.Node)})",
            PickleExtension extension => $"ext({extension.Code})",
            PickleGlobal global => $"@{global.FullName}",
            PickleComputedGlobal => "@?",
            PickleObject made => Made(made),
            _ => throw new ArgumentException($"a {node.GetType().Name} has no text", nameof(node)),
        };
    }

    private string Made(PickleObject made)
    {
        var text = Text(made.Callable) + Text(made.Arguments);
        text += made.Items.Count > 0 ? $"[{Joined(made.Items)}]" : "";
        text += made.Entries.Count > 0 ? Pairs(made) : "";
        return made.State is { } state ? $"{text} state {Text(state.Node)}" : text;
    }

    private string Joined(IReadOnlyList<PickleItem> items) => string.Join(", ", items.Select(item => Text(item.Node)));

    /// <summary>As Python keeps them: a key that is set again stays in its place and has the later value.</summary>
    private string Pairs(PickleMutable dictionary)
    {
        var pairs = new OrderedDictionary<string, PickleNode>();
        foreach (var entry in dictionary.Entries)
        {
            pairs[Text(entry.Key.Node)] = entry.Value.Node;
        }

        return $"{{{string.Join(", ", pairs.Select(pair => $"{pair.Key}: {Text(pair.Value)}"))}}}";
    }

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var unit in text)
        {
            quoted.Append(unit is >= ' ' and < '\x7f' and not ('"' or '\\') ? unit.ToString() : $"\\u{(int)unit:x4}");
        }

        return quoted.Append('"').ToString();
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
