using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

public sealed class PickleEditorTests
{
    /// <summary>PROTO, a frame of <c>(K1</c>, an int outside of frames, and a frame of <c>K3t.</c></summary>
    private const string Framed = "\u0080\u0004\u0095\u0003\0\0\0\0\0\0\0(K\u0001K\u0002\u0095\u0004\0\0\0\0\0\0\0K\u0003t.";

    [Fact]
    public void Without_edits_the_bytes_stay() => Assert.Equal(PickleCode.Bytes(Framed), Apply());

    [Fact]
    public void An_edit_changes_the_length_of_its_frame_alone() =>
        Assert.Equal(
            PickleCode.Bytes("\u0080\u0004\u0095\u0003\0\0\0\0\0\0\0(K\u0001K\u0002\u0095\u0007\0\0\0\0\0\0\0J\u0003\0\0\0t."),
            Apply(new PickleEdit(25, 2, PickleCode.Bytes("J\u0003\0\0\0"))));

    [Fact]
    public void Edits_in_each_frame_and_between_them_are_applied_in_any_order() =>
        Assert.Equal(
            PickleCode.Bytes("\u0080\u0004\u0095\u0002\0\0\0\0\0\0\0(NJ\u0002\0\0\0\u0095\u0003\0\0\0\0\0\0\0Nt."),
            Apply(
                new PickleEdit(25, 2, PickleCode.Bytes("N")),
                new PickleEdit(14, 2, PickleCode.Bytes("J\u0002\0\0\0")),
                new PickleEdit(12, 2, PickleCode.Bytes("N"))));

    [Fact]
    public void Instructions_can_be_put_in_and_taken_out() =>
        Assert.Equal(
            PickleCode.Bytes("\u0080\u0004\u0095\u0004\0\0\0\0\0\0\0(NK\u0001K\u0002\u0095\u0002\0\0\0\0\0\0\0t."),
            Apply(new PickleEdit(12, 0, PickleCode.Bytes("N")), new PickleEdit(25, 2, default)));

    [Fact]
    public void Edits_that_overlap_are_refused()
    {
        var refused = Assert.Throws<ArgumentException>(() => Apply(new PickleEdit(12, 2, default), new PickleEdit(13, 1, default)));
        Assert.Equal("edits overlap at byte 13 (Parameter 'edits')", refused.Message);
    }

    private static byte[] Apply(params PickleEdit[] edits) => PickleEditor.Apply(PickleMachine.Run(PickleCode.Bytes(Framed)).Script, edits);
}
