using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>When a literal without a memo slot becomes a GET: only where the slot is sure to hold the same text.</summary>
public sealed class PickleMemoTwinTests
{
    /// <summary>Each program's keys "old" are renamed to "new"; other uses of the string stay.</summary>
    [Theory]

    // The key comes first: the value gets a literal of its own.
    [InlineData("}(U\u0003oldq\u0001h\u0001u.", "}(U\u0003newq\u0001U\u0003oldu.")]
    [InlineData("(Vold\np1\ng1\nd.", "(Vnew\np1\nVold\nd.")]
    [InlineData("\u0080\u0004}(\u008c\u0003old\u0094h\0u.", "\u0080\u0004}(\u008c\u0003new\u0094\u008c\u0003oldu.")]

    // The value comes first: the key gets one.
    [InlineData("(U\u0003oldq\u0001}(h\u0001Nut.", "(U\u0003oldq\u0001}(U\u0003newNut.")]

    // "new" is there already, in a slot of its own: it is not fetched, for the way back could not tell.
    [InlineData("(U\u0003newq\u0001U\u0003oldq\u0002}(h\u0002Nut.", "(U\u0003newq\u0001U\u0003oldq\u0002}(U\u0003newNut.")]

    // A literal that never had a slot, as pickletools.optimize leaves it, finds "new" in the memo.
    [InlineData("(U\u0003newq\u0001}(U\u0003oldNuh\u0001t.", "(U\u0003newq\u0001}(h\u0001Nuh\u0001t.")]

    // ... but not where the slot has been overwritten,
    [InlineData("(U\u0003newq\u00010Nq\u0001}(U\u0003oldNut.", "(U\u0003newq\u00010Nq\u0001}(U\u0003newNut.")]

    // ... nor where it is filled only later,
    [InlineData("(U\u0003new}(U\u0003oldNuq\u00020q\u0001h\u0002t.", "(U\u0003new}(U\u0003newNuq\u00020q\u0001h\u0002t.")]
    [InlineData("(}(U\u0003oldNuU\u0003newq\u0001t.", "(}(U\u0003newNuU\u0003newq\u0001t.")]

    // ... nor where the first slot was lost and another one filled later.
    [InlineData("(U\u0003newq\u0001Nq\u00010}(U\u0003oldNuq\u00020p99\nh\u0002t.", "(U\u0003newq\u0001Nq\u00010}(U\u0003newNuq\u00020p99\nh\u0002t.")]
    public void Keys_are_renamed_in_place(string code, string expected) =>
        Assert.Equal(expected, Text(PickleKeys.Rename(PickleCode.Bytes(code), (_, key) => key == "old" ? "new" : null)));

    [Theory]
    [InlineData("}(U\u0003oldq\u0001h\u0001u.")]
    [InlineData("(Vold\np1\ng1\nd.")]
    [InlineData("(Vold\np1\n(g1\nNdt.")]
    [InlineData("}(X\u0003\0\0\0oldr\0\u0001\0\0j\0\u0001\0\0u.")]
    [InlineData("(X\u0003\0\0\0oldr\u00ff\u00ff\u00ff\u00ff}(j\u00ff\u00ff\u00ff\u00ffNut.")]
    [InlineData("(\u008c\u0003oldp4294967296\n}(g4294967296\nNut.")]
    [InlineData("(\u008d\u0003\0\0\0\0\0\0\0old\u0094}(h\0Nut.")]

    // A key of the same text has a slot of its own, and is renamed: the other key was not fetched from there.
    [InlineData("(}(U\u0003oldq\u0001NuU\u0003oldq\u0002}(h\u0002Nut.")]
    [InlineData("(U\u0003oldq\u0001}(U\u0003oldq\u0002Nuh\u0001}(h\u0001Nut.")]

    // pickletools.optimize took out the slots that nothing fetches.
    [InlineData("(}(U\u0003oldq\u0001Nu}(U\u0003oldNu}(h\u0001NuU\u0003xyzt.")]
    public void The_way_back_finds_the_slot(string code)
    {
        var pickle = PickleCode.Bytes(code);
        var there = PickleKeys.Rename(pickle, (_, key) => key == "old" ? "new" : null);
        Assert.NotEqual(code, Text(there));
        Assert.Equal(code, Text(PickleKeys.Rename(there, (_, key) => key == "new" ? "old" : null)));
    }

    [Fact]
    public void Without_renames_nothing_is_edited()
    {
        // The literal without a slot stays one, though the memo has its text.
        var document = PickleMachine.Run(PickleCode.Bytes("(U\u0003oldq\u0001U\u0003oldt."));
        Assert.Empty(PickleRename.Plan(document.Script, new Dictionary<int, string>()));
    }

    private static string Text(byte[] pickle) => System.Text.Encoding.Latin1.GetString(pickle);
}
