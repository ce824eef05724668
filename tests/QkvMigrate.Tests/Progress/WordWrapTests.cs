using QkvMigrate.Cli.Terminals;
using Xunit;

namespace QkvMigrate.Tests.Progress;

public sealed class WordWrapTests
{
    [Theory]
    [InlineData("short", 20, "short")]
    [InlineData("", 20, "")]
    [InlineData("exactly nineteen ch", 20, "exactly nineteen ch")]
    [InlineData("exactly twenty chars", 20, "exactly twenty|  chars")]
    [InlineData("one two three four five six seven", 12, "one two|  three|  four five|  six seven")]
    [InlineData("  indented words go on", 14, "  indented|    words go|    on")]
    [InlineData("/a/path/that/is/longer/than/a/line is whole", 12, "/a/path/that/is/longer/than/a/line|  is whole")]
    [InlineData("see /a/path/that/is/longer", 12, "see|  /a/path/that/is/longer")]
    public void Breaks_between_words(string line, int width, string parts) =>
        Assert.Equal(parts.Split('|'), WordWrap.Lines(line, width));

    [Fact]
    public void Writes_each_line_escaped_and_in_its_width()
    {
        var written = new StringWriter { NewLine = "\n" };
        using (var writer = new PrintableWriter(written, 16))
        {
            writer.WriteLine("a name: \e[2J and more of it");
        }

        Assert.Equal("a name: \\x1b[2J\n  and more of\n  it\n", written.ToString());
    }

    [Fact]
    public void Writes_a_line_whole_where_there_is_no_width()
    {
        var written = new StringWriter { NewLine = "\n" };
        using (var writer = new PrintableWriter(written, width: null))
        {
            writer.WriteLine(new string('x', 200) + " " + new string('y', 200) + "\n");
        }

        Assert.Equal(new string('x', 200) + " " + new string('y', 200) + "\\x0a\n", written.ToString());
    }
}
