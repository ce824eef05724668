using QkvMigrate.Folders;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Trees;

public sealed class CheckpointSelectionTests
{
    private static readonly string[] Paths =
    [
        "lit_model.pth",
        "model.safetensors",
        "old/lit_model.pth",
        "runs/a/lit_model.pth",
        "runs/a/optimizer.pth",
        "runs/old/b/lit_model.pth",
        "runs/Old/lit_model.pth",
    ];

    [Theory]
    [InlineData("*.pth", "lit_model.pth old/lit_model.pth runs/a/lit_model.pth runs/a/optimizer.pth runs/old/b/lit_model.pth runs/Old/lit_model.pth")]
    [InlineData("lit_model.pth", "lit_model.pth old/lit_model.pth runs/a/lit_model.pth runs/old/b/lit_model.pth runs/Old/lit_model.pth")]
    [InlineData("/lit_model.pth", "lit_model.pth")]
    [InlineData("old", "old/lit_model.pth runs/old/b/lit_model.pth")]
    [InlineData("old/", "old/lit_model.pth runs/old/b/lit_model.pth")]
    [InlineData("/old", "old/lit_model.pth")]
    [InlineData("runs/old", "runs/old/b/lit_model.pth")]
    [InlineData("runs/*/lit_model.pth", "runs/a/lit_model.pth runs/Old/lit_model.pth")]
    [InlineData("runs/**/lit_model.pth", "runs/a/lit_model.pth runs/old/b/lit_model.pth runs/Old/lit_model.pth")]
    [InlineData("**", "lit_model.pth model.safetensors old/lit_model.pth runs/a/lit_model.pth runs/a/optimizer.pth runs/old/b/lit_model.pth runs/Old/lit_model.pth")]
    [InlineData("nothing", "")]
    public void An_include_takes_what_fits(string pattern, string expected) => Assert.Equal(Sorted(expected), Selected([pattern], []));

    [Theory]
    [InlineData("optimizer.pth", "lit_model.pth model.safetensors old/lit_model.pth runs/a/lit_model.pth runs/old/b/lit_model.pth runs/Old/lit_model.pth")]
    [InlineData("old", "lit_model.pth model.safetensors runs/a/lit_model.pth runs/a/optimizer.pth runs/Old/lit_model.pth")]
    [InlineData("runs", "lit_model.pth model.safetensors old/lit_model.pth")]
    public void An_exclude_leaves_out_what_fits(string pattern, string expected) => Assert.Equal(Sorted(expected), Selected([], [pattern]));

    [Fact]
    public void One_include_is_enough_and_one_exclude_is_too_much() =>
        Assert.Equal(["model.safetensors", "runs/a/lit_model.pth"], Selected(["*.safetensors", "runs/**"], ["old", "Old", "optimizer.*"]));

    [Fact]
    public void A_unit_keeps_its_other_files_and_tells_what_it_leaves_out()
    {
        var unit = new CheckpointUnit("/tree/runs/a", "runs/a", ["lit_model.pth", "optimizer.pth"], ["model_config.yaml"]);

        var part = Assert.Single(UnitSelection.Of(new CheckpointSelection([], ["optimizer.pth"]), [unit]));

        Assert.Equal(["lit_model.pth"], part.Checkpoints);
        Assert.Equal(["optimizer.pth"], part.LeftOut);
        Assert.Equal(["model_config.yaml"], part.OtherFiles);
        Assert.Empty(UnitSelection.Of(new CheckpointSelection([], ["runs"]), [unit]));
    }

    private static IEnumerable<string> Selected(string[] include, string[] exclude) =>
        new CheckpointSelection(include, exclude).Of(Paths).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Sorted(string paths) => paths.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
}
