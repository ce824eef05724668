using QkvMigrate.Files;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Files;

/// <summary>A link leads where the system says.</summary>
public sealed class LinkEndTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public LinkEndTests()
    {
        Directory.CreateDirectory(folder.At("real", "deep"));
        Directory.CreateSymbolicLink(folder.At("linked"), "real/deep");
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("file", "file")]
    [InlineData("./file", "file")]
    [InlineData("real//deep/file", "real/deep/file")]
    [InlineData("real/../file", "file")]
    [InlineData("linked/file", "real/deep/file")]
    [InlineData("linked/../file", "real/file")]
    [InlineData("linked/./../../file", "file")]
    [InlineData("real/deep", "real/deep")]
    [InlineData("linked", "real/deep")]
    public void A_link_leads_to_what_the_system_finds(string text, string end)
    {
        File.CreateSymbolicLink(folder.At("link"), text);
        AssertLeads("link", end);

        // From another link, by its full path.
        File.CreateSymbolicLink(folder.At("real", "second"), folder.At("link"));
        AssertLeads("real/second", end);
    }

    [Fact]
    public void A_link_in_a_linked_folder_leads_on_from_where_it_is()
    {
        File.CreateSymbolicLink(folder.At("real", "deep", "link"), "../file");
        AssertLeads("linked/link", "real/file");
    }

    [Fact]
    public void A_link_may_lead_above_the_root()
    {
        File.CreateSymbolicLink(folder.At("link"), string.Concat(Enumerable.Repeat("../", 100)) + "nowhere");
        Assert.Equal(Path.Combine(Path.GetPathRoot(folder.Path)!, "nowhere"), LinkEnd.Of(folder.At("link")));
    }

    [Fact]
    public void A_circle_leads_nowhere()
    {
        File.CreateSymbolicLink(folder.At("one"), "two");
        File.CreateSymbolicLink(folder.At("two"), "one");
        Assert.Null(LinkEnd.Of(folder.At("one")));
    }

    [Fact]
    public void What_is_no_link_leads_nowhere()
    {
        File.WriteAllText(folder.At("real", "deep", "file"), "");
        Assert.All(["real/deep/file", "linked/file", "real", "missing"], path => Assert.Null(LinkEnd.Of(folder.At(path))), throwIfEmpty: true);
    }

    /// <summary>The end is the same whether a file is there or not; where one is, it is that which the link opens.</summary>
    private void AssertLeads(string link, string end)
    {
        var real = folder.At(end);
        Assert.Equal(real, LinkEnd.Of(folder.At(link)));
        if (!Directory.Exists(real))
        {
            File.WriteAllText(real, end);
            Assert.Equal(end, File.ReadAllText(folder.At(link)));
            File.Delete(real);
        }
    }
}
