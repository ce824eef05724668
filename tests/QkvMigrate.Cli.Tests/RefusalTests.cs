using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Checkpoints that the tool must not upgrade: one clear line, exit code 1, and nothing on the disk changes.</summary>
public sealed class RefusalTests(FixtureSet fixtures)
{
    [Theory]
    [MemberData(nameof(Catalogue.RefusedFixtures), MemberType = typeof(Catalogue))]
    public void One_line_says_what_is_wrong(string name)
    {
        var fixture = fixtures[name];
        using var folder = new WorkFolder();
        var copy = folder.Take(fixture.Folder);
        var before = folder.Snapshot();

        var run = Tool.Run(["upgrade", Path.Combine(copy, fixture.Checkpoint), .. fixture.Arguments]);

        Assert.Equal(1, run.ExitCode);
        var line = Assert.Single(run.ErrorLines);
        Assert.Contains(fixture.Checkpoint, line, StringComparison.Ordinal);
        Assert.All(fixture.Error!.Mentions, word => Assert.Contains(word, line, StringComparison.Ordinal), throwIfEmpty: true);
        Assert.Equal(before, folder.Snapshot());
    }

    [Theory]
    [MemberData(nameof(Catalogue.RefusedFixtures), MemberType = typeof(Catalogue))]
    public void In_place_changes_nothing(string name)
    {
        var fixture = fixtures[name];
        using var folder = new WorkFolder();
        var copy = folder.Take(fixture.Folder);
        var before = folder.Snapshot();

        var run = Tool.Run(["upgrade", copy, "--in-place", "--json", .. fixture.Arguments]);

        Assert.Equal(1, run.ExitCode);
        var checkpoint = JsonReport.OnlyCheckpoint(run);
        Assert.Contains(checkpoint.Text("status"), new[] { "refused", "failed" });
        Assert.Equal(fixture.Error!.Code, checkpoint.GetProperty("error").Text("code"));
        Assert.Equal(before, folder.Snapshot());
    }

    [Fact]
    public void A_missing_path_is_named()
    {
        using var folder = new WorkFolder();
        var run = Tool.Run("upgrade", folder.At("nowhere.pth"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("nowhere.pth", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Empty(folder.Snapshot());
    }

    [Fact]
    public void One_refusal_does_not_keep_the_others_from_their_upgrade()
    {
        using var folder = new WorkFolder();
        var refused = folder.Take(fixtures["no-geometry"].Folder);
        var right = folder.Take(fixtures["mha-float32"].Folder);

        var run = Tool.Run("upgrade", refused, right, "--json");

        Assert.Equal(1, run.ExitCode);
        var statuses = JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray().Select(checkpoint => checkpoint.Text("status"));
        Assert.Equal(["refused", "upgraded"], statuses);
        Assert.True(File.Exists(folder.At("mha-float32-qkv", "lit_model.pth")));
        Assert.False(Directory.Exists(folder.At("no-geometry-qkv")));
    }
}
