namespace QkvMigrate.Tests.Pickling;

/// <summary>A pickle that CPython wrote, from <c>goldens.txt</c>, and the value that it makes.</summary>
/// <remarks>
/// A block of the file starts with the interpreter (python2 is CPython 2.7.18, python3 is CPython 3.11.2) and the
/// expression that was pickled; then come the protocols with the pickle in hexadecimal, and behind one or several of
/// them <c>=</c> and the value that <c>render_pickles.py</c> writes for them.
/// </remarks>
/// <param name="Expression">What was pickled.</param>
/// <param name="Protocol">The protocol it was pickled with.</param>
/// <param name="Pickle">The pickle.</param>
/// <param name="Text">The value, as <see cref="PickleRendering"/> writes it.</param>
internal sealed record PickleGolden(string Expression, int Protocol, byte[] Pickle, string Text)
{
    /// <summary>Every golden pickle, in the order of the file.</summary>
    public static IReadOnlyList<PickleGolden> All { get; } = [.. Read()];

    /// <summary>The golden of an expression in a protocol.</summary>
    public static PickleGolden Of(string expression, int protocol) =>
        All.Single(golden => golden.Expression == expression && golden.Protocol == protocol);

    private static IEnumerable<PickleGolden> Read()
    {
        using var file = new StreamReader(typeof(PickleGolden).Assembly.GetManifestResourceStream("goldens.txt")!);
        var expression = "";
        var pending = new List<(int Protocol, byte[] Pickle)>();
        while (file.ReadLine() is { } line)
        {
            switch (line)
            {
                case "":
                    break;
                case ['p', ..]:
                    expression = line;
                    break;
                case ['=', ' ', .. var text]:
                    foreach (var (protocol, pickle) in pending)
                    {
                        yield return new PickleGolden(expression, protocol, pickle, text);
                    }

                    pending.Clear();
                    break;
                default:
                    pending.Add((line[0] - '0', Convert.FromHexString(line.AsSpan(2))));
                    break;
            }
        }
    }
}
