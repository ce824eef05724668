using QkvMigrate.Cli.Terminals;
using Xunit;

namespace QkvMigrate.Tests.Progress;

public sealed class PrintableTests
{
    [Theory]
    [InlineData("transformer.h.0.attn.attn.weight", "transformer.h.0.attn.attn.weight")]
    [InlineData("päth/模型/\U0001f600.pth", "päth/模型/\U0001f600.pth")]
    [InlineData("a\e[2Jb", @"a\x1b[2Jb")]
    [InlineData("a\r\nb\tc\0", @"a\x0d\x0ab\x09c\x00")]
    [InlineData("\u009b31m", @"\x9b31m")]
    [InlineData("\u202egnp.\u2066exe", @"\u202egnp.\u2066exe")]
    [InlineData("\uffff", @"\uffff")]
    public void Shows_what_is_not_meant_to_be_seen_as_a_number(string text, string shown) => Assert.Equal(shown, Printable.Text(text));

    // In a test of its own: a runner's messages carry no half of a pair.
    [Fact]
    public void Shows_half_of_a_pair_as_a_number() => Assert.Equal("\U0001f600\\ud83d", Printable.Text("\U0001f600\ud83d"));
}
