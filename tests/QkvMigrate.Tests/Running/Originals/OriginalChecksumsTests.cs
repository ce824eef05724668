using QkvMigrate.Running.Originals;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>Lists are read as <c>sha256sum</c> writes them, and nothing else is taken for one.</summary>
public sealed class OriginalChecksumsTests : IDisposable
{
    private const string First = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Second = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData($"{First}  a.pth\n{Second} *b/c d.pth\n")]
    [InlineData($"{First}  a.pth\r\n{Second} *b/c d.pth\r\n")]
    [InlineData($"# by hand\n\n{First}  ./a.pth\n{Second}  ./b//c d.pth")]
    [InlineData($"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef  a.pth\n{Second}  b/./c d.pth\n{First}  a.pth\n")]
    public void A_list_has_names_and_digests(string text)
    {
        var sums = Read(text);
        Assert.Equal(["a.pth", "b/c d.pth"], sums.Names);
        Assert.Equal([First, Second, null], [sums.Find("a.pth"), sums.Find("b/c d.pth"), sums.Find("c d.pth")]);
    }

    [Theory]
    [InlineData(@"a\nb\\c\rd", "a\nb\\c\rd")]
    [InlineData("plain", "plain")]
    public void A_name_may_be_escaped(string written, string name) => Assert.Equal([name], Read($"\\{First}  {written}\n").Names);

    [Fact]
    public void A_backslash_in_a_line_that_is_not_escaped_is_itself() => Assert.Equal([@"a\nb"], Read($@"{First}  a\nb" + "\n").Names);

    [Theory]
    [InlineData("", "no line of a checksum, expected what sha256sum writes")]
    [InlineData("# nothing\n", "no line of a checksum, expected what sha256sum writes")]
    [InlineData("0123  a.pth", "line 1: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"{First}  a.pth\n{First} b.pth", "line 2: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"{First}\ta.pth", "line 1: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"{First}  ", "line 1: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"\\{First}  a\\x", "line 1: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"\\{First}  a\\", "line 1: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"{First}g  a.pth", "line 1: expected 64 hexadecimal digits, a space, a space or *, and a name")]
    [InlineData($"{First}  /a.pth", "line 1: '/a.pth' is no path below the directory")]
    [InlineData($"{First}  ../a.pth", "line 1: '../a.pth' is no path below the directory")]
    [InlineData($"{First}  .", "line 1: '.' is no path below the directory")]
    [InlineData($"{First}  a\n{Second}  ./a", "line 2: a second checksum for 'a', which is another")]
    public void What_is_no_list_is_refused(string text, string problem) =>
        Assert.Equal($"{folder.At("sums")}: {problem}", Assert.Throws<MigrationException>(() => Read(text)).Message);

    [Theory]
    [InlineData(First, true)]
    [InlineData("0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", true)]
    [InlineData("0123456789abcdef", false)]
    [InlineData($"{First}0", false)]
    [InlineData("g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    [InlineData("", false)]
    public void A_digest_has_64_hexadecimal_digits_of_either_case(string text, bool isDigest) => Assert.Equal(isDigest, OriginalChecksums.IsDigest(text));

    private OriginalChecksums Read(string text) => OriginalChecksums.Read(folder.Write("sums", text));
}
