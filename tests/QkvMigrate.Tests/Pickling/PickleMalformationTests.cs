using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>Each way in which bytes fail to be a pickle, with the whole message.</summary>
public sealed class PickleMalformationTests
{
    [Theory]

    // The end
    [InlineData("", 0, "the pickle ends without STOP")]
    [InlineData("N", 1, "the pickle ends without STOP")]
    [InlineData(".", 0, "Stop needs 1 value(s) on the stack")]
    [InlineData("N0.", 2, "Stop needs 1 value(s) on the stack")]
    [InlineData("N(.", 2, "Stop needs 1 value(s) on the stack")]

    // Opcodes and arguments
    [InlineData("N\u00ff.", 1, "byte 0xff is no pickle opcode")]
    [InlineData("\0.", 0, "byte 0x00 is no pickle opcode")]
    [InlineData("\u0099.", 0, "byte 0x99 is no pickle opcode")]
    [InlineData("\u0080", 0, "Proto needs 1 bytes, 0 are left")]
    [InlineData("NK", 1, "BinInt1 needs 1 bytes, 0 are left")]
    [InlineData("M\u0001", 0, "BinInt2 needs 2 bytes, 1 are left")]
    [InlineData("J\u0001\u0002\u0003", 0, "BinInt needs 4 bytes, 3 are left")]
    [InlineData("G1234567", 0, "BinFloat needs 8 bytes, 7 are left")]
    [InlineData("\u0095\u0001\0\0", 0, "Frame needs 8 bytes, 3 are left")]
    [InlineData("X\u0001\0\0", 0, "BinUnicode needs 4 bytes, 3 are left")]
    [InlineData("X\u0002\0\0\0a", 0, "BinUnicode announces 2 bytes, 1 are left")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ffa.", 0, "BinUnicode announces 4294967295 bytes, 2 are left")]
    [InlineData("T\u00ff\u00ff\u00ff\u00ffa.", 0, "BinString announces 4294967295 bytes, 2 are left")]
    [InlineData("\u008c\u0003ab", 0, "ShortBinUnicode announces 3 bytes, 2 are left")]
    [InlineData("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffa", 0, "BinUnicode8 announces 18446744073709551615 bytes, 1 are left")]
    [InlineData("\u0096\u0002\0\0\0\0\0\0\u0080a", 0, "ByteArray8 announces 9223372036854775810 bytes, 1 are left")]
    [InlineData("\u008b\u00ff\u00ff\u00ff\u00ff.", 0, "Long4 announces 4294967295 bytes, 1 are left")]
    [InlineData("Nc", 1, "the line of Global has no end within 0 bytes")]
    [InlineData("NI12", 1, "the line of Int has no end within 2 bytes")]
    [InlineData("Ncos\npath.", 1, "the line of Global has no end within 5 bytes")]

    // Lines that say nothing
    [InlineData("Iabc\n.", 0, "Int without a decimal number")]
    [InlineData("I\n.", 0, "Int without a decimal number")]
    [InlineData("L1_0L\n.", 0, "Long without a decimal number")]
    [InlineData("L--1L\n.", 0, "Long without a decimal number")]
    [InlineData("Fabc\n.", 0, "FLOAT without a number")]
    [InlineData("Skey\n.", 0, "STRING without quotes")]
    [InlineData("S'key\n.", 0, "STRING without quotes")]
    [InlineData("S'key\"\n.", 0, "STRING without quotes")]
    [InlineData("S'\n.", 0, "STRING without quotes")]
    [InlineData("S'key\\'\n.", 0, "String with a broken escape")]
    [InlineData("S'\\x4'\n.", 0, "String with a broken escape")]
    [InlineData("S'\\xzz'\n.", 0, "String with a broken escape")]
    [InlineData("NV\\u123\n.", 1, "Unicode with a broken escape")]
    [InlineData("V\\U00110000\n.", 0, "Unicode with a broken escape")]
    [InlineData("V\\u\n.", 0, "Unicode with a broken escape")]

    // The stack
    [InlineData("0.", 0, "Pop needs 1 value(s) on the stack")]
    [InlineData("2.", 0, "Dup needs 1 value(s) on the stack")]
    [InlineData("N(2.", 2, "Dup needs 1 value(s) on the stack")]
    [InlineData("N\u0086.", 1, "Tuple2 needs 2 value(s) on the stack")]
    [InlineData("NN(N\u0087.", 4, "Tuple3 needs 3 value(s) on the stack")]
    [InlineData("](a.", 2, "Append needs 1 value(s) on the stack")]
    [InlineData("}N(s.", 3, "SetItem needs 2 value(s) on the stack")]
    [InlineData("NR.", 1, "Reduce needs 2 value(s) on the stack")]
    [InlineData("NN\u0092.", 2, "NewObjEx needs 3 value(s) on the stack")]
    [InlineData("b.", 0, "Build needs 1 value(s) on the stack")]
    [InlineData("Q.", 0, "BinPersId needs 1 value(s) on the stack")]
    [InlineData("q\0.", 0, "BinPut needs 1 value(s) on the stack")]
    [InlineData("\u0094.", 0, "Memoize needs 1 value(s) on the stack")]
    [InlineData("Na.", 1, "Append needs 1 value(s) on the stack")]
    [InlineData("(Ne.", 2, "Appends needs 1 value(s) on the stack")]

    // Marks
    [InlineData("Nt.", 1, "Tuple without a mark")]
    [InlineData("N1.", 1, "PopMark without a mark")]
    [InlineData("Nl.", 1, "List without a mark")]
    [InlineData("]Ne.", 2, "Appends without a mark")]
    [InlineData("}NNu.", 3, "SetItems without a mark")]
    [InlineData("\u008fN\u0090.", 2, "AddItems without a mark")]
    [InlineData("N\u0091.", 1, "FrozenSet without a mark")]
    [InlineData("NNd.", 2, "Dict without a mark")]
    [InlineData("No.", 1, "Obj without a mark")]
    [InlineData("im\nf\n.", 0, "Inst without a mark")]
    [InlineData("(o.", 1, "OBJ without a class")]

    // The memo
    [InlineData("h\0.", 0, "memo slot 0 was never filled")]
    [InlineData("Nq\u0005h\u0004.", 3, "memo slot 4 was never filled")]
    [InlineData("N\u0094j\u0001\0\0\0.", 2, "memo slot 1 was never filled")]
    [InlineData("g99999999999\n.", 0, "memo slot 99999999999 was never filled")]
    [InlineData("g-1\n.", 0, "Get names no memo slot")]
    [InlineData("Np\n.", 1, "Put names no memo slot")]
    [InlineData("Np-1\n.", 1, "Put names no memo slot")]
    [InlineData("Np9223372036854775808\n.", 1, "Put names no memo slot")]

    // What takes no items, keys or state
    [InlineData("}(K\u0001u.", 4, "SetItems has a key without a value")]
    [InlineData("(K\u0001d.", 3, "Dict has a key without a value")]
    [InlineData("K\u0001NNs.", 4, "SetItem on a value that takes none")]
    [InlineData("NNa.", 2, "Append on a value that takes none")]
    [InlineData(")(Ne.", 3, "Appends on a value that takes none")]
    [InlineData("cm\nf\n(N\u0090.", 7, "AddItems on a value that takes none")]
    [InlineData("K\u0005}b.", 3, "Build on a value that takes none")]

    // Frames
    [InlineData("\u0095\u0002\0\0\0\0\0\0\0N", 0, "a frame announces 2 bytes, 1 are left")]
    [InlineData("\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.", 0, "a frame announces 18446744073709551615 bytes, 1 are left")]
    [InlineData("\u0095\u000b\0\0\0\0\0\0\0N\u0095\u0001\0\0\0\0\0\0\0.", 10, "a frame starts within a frame")]
    [InlineData("\u0095\u0001\0\0\0\0\0\0\0K\u0001.", 9, "BinInt1 crosses the end of its frame at byte 10")]
    [InlineData("\u0095\u0003\0\0\0\0\0\0\0N\u008c\u0001a.", 10, "ShortBinUnicode crosses the end of its frame at byte 12")]
    public void What_is_no_pickle_is_refused(string code, int offset, string problem) =>
        AssertRefused(FailureKind.Malformed, code, offset, problem);

    [Theory]
    [InlineData("\u0080\u0006N.", 0, "pickle protocol 6, expected 0 to 5")]
    [InlineData("N\u0097.", 1, "NextBuffer refers to a buffer outside of the file")]
    [InlineData("N\u0098.", 1, "ReadOnlyBuffer refers to a buffer outside of the file")]
    [InlineData("\u008c\u0001a2.", 3, "DUP of a string, which no pickler writes")]
    public void What_this_tool_does_not_follow_is_refused(string code, int offset, string problem) =>
        AssertRefused(FailureKind.Unsupported, code, offset, problem);

    private static void AssertRefused(FailureKind kind, string code, int offset, string problem)
    {
        var refused = Assert.Throws<MigrationException>(() => PickleMachine.Run(PickleCode.Bytes(code)));
        Assert.Equal($"pickle at byte {offset}: {problem}", refused.Message);
        Assert.Equal(kind, refused.Kind);
    }
}
