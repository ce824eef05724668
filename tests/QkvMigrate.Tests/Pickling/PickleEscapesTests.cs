using System.Text;
using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

public sealed class PickleEscapesTests
{
    [Theory]
    [InlineData("", "''")]
    [InlineData("key", "'key'")]
    [InlineData("it's", "\"it's\"")]
    [InlineData("say \"hi\"", "'say \"hi\"'")]
    [InlineData("say \"it's\"", "'say \"it\\'s\"'")]
    [InlineData("a\\b\t\n\r\0\u001f\u007f\u00c3\u00a9~", "'a\\\\b\\t\\n\\r\\x00\\x1f\\x7f\\xc3\\xa9~'")]
    public void Bytes_are_quoted_as_Python_2_quotes_them(string bytes, string repr)
    {
        Assert.Equal(repr, PickleEscapes.Quote(Encoding.Latin1.GetBytes(bytes)));
        Assert.Equal(bytes, Encoding.Latin1.GetString(PickleEscapes.Quoted(default, Encoding.Latin1.GetBytes(repr))));
    }

    [Theory]
    [InlineData("key", "key")]
    [InlineData("\\u0041", "\\u005cu0041")]
    [InlineData("a\nb\rc\0d\u001ae", "a\\u000ab\\u000dc\\u0000d\\u001ae")]
    [InlineData("\t\u007f\u0080\u00e9\u00ff", "\t\u007f\u0080\u00e9\u00ff")]
    [InlineData("\u0100\u20ac", "\\u0100\\u20ac")]
    [InlineData("\U0001f600", "\\U0001f600")]
    public void Text_is_escaped_as_CPython_escapes_it(string text, string escaped) => AssertEscaped(text, escaped);

    [Fact]
    public void Lone_surrogates_are_escaped_as_CPython_escapes_them()
    {
        AssertEscaped("\ud800x\udc00", "\\ud800x\\udc00");
        AssertEscaped("\ude00\ud83d", "\\ude00\\ud83d");
    }

    [Fact]
    public void Byte_strings_are_UTF_8_and_other_bytes_are_kept()
    {
        AssertKept("U\u0002\u00c3\u00a9.", "\u00e9");
        AssertKept("U\u0003a\u00ffb.", "a\udcffb");
        AssertKept("X\u0003\0\0\0\u00ed\u00a0\u0080.", "\udced\udca0\udc80");
        AssertKept("X\u0004\0\0\0a\u00c3\u00a9\u00c3.", "a\u00e9\udcc3");
        AssertKept("S'\\xc3\\xa9'\n.", "\u00e9");
        AssertKept("S'\\xff\\n'\n.", "\udcff\n");
    }

    /// <summary>The string that the pickle is has the text, and written again has the same bytes.</summary>
    private static void AssertKept(string code, string text)
    {
        var pickle = PickleCode.Bytes(code);
        Assert.Equal(text, Assert.IsType<PickleString>(PickleMachine.Run(pickle).Root.Node).Text);
        Assert.Equal(pickle[..^1], PickleText.Encode((PickleOpcode)pickle[0], pickle.Length, protocol: 0, text));
    }

    private static void AssertEscaped(string text, string escaped)
    {
        Assert.Equal(escaped, PickleEscapes.EscapeUnicode(text));
        Assert.Equal(text, PickleEscapes.Unicode(default, Encoding.Latin1.GetBytes(escaped)));
    }
}
