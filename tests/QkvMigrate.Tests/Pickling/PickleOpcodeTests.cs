using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>What single opcodes do, above all in ways in which no pickler uses them; CPython is asked for each.</summary>
public sealed class PickleOpcodeTests
{
    private static readonly (string Code, string Text)[] Programs =
    [
        // POP, POP_MARK, DUP
        ("N.", "None"),
        ("NK\u00010.", "None"),
        ("N(0.", "None"),
        ("N(K\u000100.", "None"),
        ("N((0K\u000100.", "None"),
        ("N(K\u0001K\u00021.", "None"),
        ("N(1.", "None"),
        ("(K\u00012t.", "(1, 1)"),
        ("(]2K\u0001at.", "([1], #0)"),

        // An open mark does not keep STOP from its value.
        ("N(K\u0007.", "7"),

        // Numbers
        ("I5\n.", "5"),
        ("I-5\n.", "-5"),
        ("I00\n.", "False"),
        ("I01\n.", "True"),
        ("I0\n.", "0"),
        ("I9223372036854775808\n.", "9223372036854775808"),
        ("L12\n.", "12"),
        ("L12L\n.", "12"),
        ("L-12L\n.", "-12"),
        ("\u008a\u0000.", "0"),
        ("\u008a\u0001\u00ff.", "-1"),
        ("\u008a\u0002\u00ff\u0000.", "255"),
        ("\u008a\u0002\u0000\u0080.", "-32768"),
        ("\u008a\u0009\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0080\u0000.", "9223372036854775808"),
        ("\u008b\u0000\u0000\u0000\u0000.", "0"),
        ("\u008b\u0003\u0000\u0000\u0000\u0001\u0002\u00ff.", "-65023"),
        ("J\u0000\u0000\u0000\u0080.", "-2147483648"),
        ("M\u0001\u00ff.", "65281"),
        ("F1e400\n.", "float 7ff0000000000000"),
        ("F-inf\n.", "float fff0000000000000"),
        ("Finf\n.", "float 7ff0000000000000"),
        ("Fnan\n.", "float nan"),
        ("F-0.0\n.", "float 8000000000000000"),
        ("F5\n.", "float 4014000000000000"),

        // Strings
        ("S'a\\x41\\101\\n\\'\\\"\\\\\\q'\n.", "\"aAA\\u000a'\\u0022\\u005c\\u005cq\""),
        ("S\"it's\"\n.", "\"it's\""),
        ("S'\\xc3\\xa9\\7\\08'\n.", "\"\\u00e9\\u0007\\u00008\""),
        ("U\u0002\u00c3\u00a9.", "\"\\u00e9\""),
        ("T\u0002\u0000\u0000\u0000\u00c3\u00a9.", "\"\\u00e9\""),
        ("Va\\u0041\\U0001f600\u00e9\n.", "\"aA\\ud83d\\ude00\\u00e9\""),
        ("Va\\\\u0041\\n\\\n.", "\"a\\u005c\\u005cu0041\\u005cn\\u005c\""),
        ("V\\ud800\n.", "\"\\ud800\""),
        ("\u008d\u0002\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u00c3\u00a9.", "\"\\u00e9\""),
        ("B\u0001\u0000\u0000\u0000\u00ff.", "bytes ff"),
        ("\u008e\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u00ff.", "bytes ff"),

        // The memo: slots in any order, MEMOIZE at the number of filled slots, overwriting
        ("K\u0001p7\n0K\u0002q\u00090K\u0003r\u0000\u0001\u0000\u00000(g7\nh\u0009j\u0000\u0001\u0000\u0000t.", "(1, 2, 3)"),
        ("K\u0001p5\n0K\u0002\u00940K\u0003\u00940(h\u0005h\u0001h\u0002t.", "(1, 2, 3)"),
        ("K\u0001p2\n0K\u0002p0\n0K\u0003p1\n0K\u0004\u00940(h\u0000h\u0001h\u0002h\u0003t.", "(2, 3, 1, 4)"),
        ("K\u0001q\u00000K\u0002q\u00000K\u0003\u00940(h\u0000h\u0001t.", "(2, 3)"),
        ("K\u0001p1\n0K\u0002p1\n0K\u0003p0\n0K\u0004p1\n0(h\u0000h\u0001t.", "(3, 4)"),
        ("K\u0001p4294967295\n0(g4294967295\nj\u00ff\u00ff\u00ff\u00fft.", "(1, 1)"),

        // Containers
        ("(K\u0001K\u0002l.", "[1, 2]"),
        ("(l.", "[]"),
        ("(K\u0001K\u0002d.", "{1: 2}"),
        ("(d.", "{}"),
        ("](e(K\u0001K\u0002eK\u0003a.", "[1, 2, 3]"),
        ("}(u(K\u0001K\u0002K\u0003K\u0004uK\u0001K\u0005s.", "{1: 5, 3: 4}"),
        ("\u008f(\u0090(K\u0001K\u0002\u0090.", "set {1, 2}"),
        ("(K\u0001\u0091.", "set {1}"),
        (")K\u0001\u0085K\u0001K\u0002\u0086K\u0001K\u0002K\u0003\u0087\u0087.", "((1), (1, 2), (1, 2, 3))"),
        ("(t.", "()"),

        // Names and calls
        ("cos.path\njoin\n.", "@os.path.join"),
        ("\u008c\u0002os\u008c\u0009path.join\u0093.", "@os.path.join"),
        ("S'os'\nS'getcwd'\n\u0093.", "@os.getcwd"),
        ("cm\nf\nK\u0001\u0085R.", "@m.f(1)"),
        ("cm\nf\n(cm\ng\n)RtR.", "@m.f(@m.g())"),
        ("cm\nf\n)\u0081K\u0001aK\u0002K\u0003sK\u0004bK\u0005b.", "@m.f()[1]{2: 3} state 5"),
        ("cm\nf\nK\u0001\u0085}\u008c\u0001kK\u0002s\u0092.", "@m.f((1), {\"k\": 2})"),
        ("(K\u0001K\u0002im\nf\n.", "@m.f(1, 2)"),
        ("(im\nf\n.", "@m.f()"),
        ("(cm\nf\nK\u0001o.", "@m.f(1)"),
        ("(cm\nf\no.", "@m.f()"),
        ("\u0082\u0005.", "ext(5)"),
        ("\u0083\u0000\u0001.", "ext(256)"),
        ("\u0084\u0000\u0000\u0001\u0000.", "ext(65536)"),
        ("P0\n.", "pers(\"0\")"),
        ("\u008c\u0001aK\u0005\u0086Q.", "pers((\"a\", 5))"),

        // PROTO and FRAME
        ("\u0080\u0000N.", "None"),
        ("\u0080\u0005\u0095\u0002\u0000\u0000\u0000\u0000\u0000\u0000\u0000N.", "None"),
        ("\u0080\u0004\u0095\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0000(\u0095\u0003\u0000\u0000\u0000\u0000\u0000\u0000\u0000K\u0001tN0.", "(1)"),
    ];

    public static TheoryData<string, string> Theory { get; } = [.. Programs];

    [Theory]
    [MemberData(nameof(Theory))]
    public void Opcodes_do_what_pickle_says(string code, string text) =>
        Assert.Equal(text, PickleRendering.Text(PickleCode.Bytes(code)));

    /// <summary>CPython would look up what a call returned, and refuses what is no string; here nothing is called, and so neither is known.</summary>
    [Theory]
    [InlineData("cm\nf\n)R\u008c\u0001x\u0093.")]
    [InlineData("NK\u0005\u0093.")]
    public void A_global_of_a_computed_name_stays_unknown(string code)
    {
        var document = PickleMachine.Run(PickleCode.Bytes(code));
        Assert.Equal("@?", PickleRendering.Text(document));
        Assert.Contains(document.Root.Node, document.Script.References.Unnamed);
    }

    [Fact]
    public void CPython_says_the_same() =>
        Assert.Equal(Programs.Select(program => program.Text), PickleRendering.ByPython(Programs.Select(program => PickleCode.Bytes(program.Code))));

    [Fact]
    public void Every_opcode_is_met()
    {
        var met = Programs.Select(program => PickleCode.Bytes(program.Code))
            .Concat(PickleGolden.All.Select(golden => golden.Pickle))
            .SelectMany(Opcodes);

        // The two are refused: PickleMalformationTests.
        Assert.Equal(
            [PickleOpcode.NextBuffer, PickleOpcode.ReadOnlyBuffer],
            Enum.GetValues<PickleOpcode>().Except(met));
    }

    private static IEnumerable<PickleOpcode> Opcodes(byte[] pickle)
    {
        var reader = new PickleReader(pickle);
        for (var offset = 0; offset < pickle.Length;)
        {
            var instruction = reader.Read(offset);
            yield return instruction.Opcode;
            offset = instruction.End;
        }
    }

    [Fact]
    public void Every_opcode_is_read_and_no_other_byte()
    {
        for (var value = 0; value <= byte.MaxValue; value++)
        {
            // Whatever the argument: lines that end, and lengths of nothing.
            var code = new byte[16];
            code[0] = (byte)value;
            code[9] = code[10] = (byte)'\n';
            var failure = Record.Exception(() => new PickleReader(code).Read(0));
            Assert.Equal(Enum.IsDefined((PickleOpcode)value), failure is null);
        }
    }
}
