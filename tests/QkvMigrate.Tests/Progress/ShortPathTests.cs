using QkvMigrate.Cli.Progress;
using Xunit;

namespace QkvMigrate.Tests.Progress;

public sealed class ShortPathTests
{
    [Theory]
    [InlineData("lit_model.pth", "lit_model.pth")]
    [InlineData("checkpoints/a/lit_model.pth", "a/lit_model.pth")]
    [InlineData("pythia-1b/lit_model.pth", "pythia-1b/lit_model.pth")]
    [InlineData("/data/EleutherAI/pythia-1b/lit_model.pth", "pythia-1b/lit_model.pth")]
    [InlineData("checkpoints/pythia-1b-deduped/lit_model.pth", "pythia-1b-deduped/li...")]
    [InlineData("checkpoints/pythia-1b-deduped-v0-main/lit_model.pth", "pythia-1b-deduped-v0...")]
    [InlineData("model-00001-of-00002.safetensors", "model-00001-of-00002...")]
    [InlineData("/a-name-of-more-columns.pth", "/a-name-of-more-colu...")]
    public void What_tells_files_apart_is_kept(string path, string shown) => Assert.Equal(shown, ShortPath.Of(path, 23));

    [Fact]
    public void Of_no_room_for_more_dots_are_left() => Assert.Equal("...", ShortPath.Of("a/lit_model.pth", 3));
}
