using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Checkpoints that are not legacy LitGPT's: the tool says so, writes nothing, and is content.</summary>
public sealed class NothingToDoTests(FixtureSet fixtures)
{
    [Theory]
    [MemberData(nameof(Catalogue.UnchangedFixtures), MemberType = typeof(Catalogue))]
    public void Upgrade_of_a_directory_says_so(string name) => SaysNothingToDo(folder => folder.Take(fixtures[name].Folder));

    [Theory]
    [MemberData(nameof(Catalogue.UnchangedFixtures), MemberType = typeof(Catalogue))]
    public void Upgrade_of_a_file_says_so(string name) =>
        SaysNothingToDo(folder => Path.Combine(folder.Take(fixtures[name].Folder), fixtures[name].Checkpoint));

    [Theory]
    [MemberData(nameof(Catalogue.UnchangedFixtures), MemberType = typeof(Catalogue))]
    public void JSON_tells_the_status(string name)
    {
        using var folder = new WorkFolder();
        var run = Tool.Run("upgrade", folder.Take(fixtures[name].Folder), "--json");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("unchanged", JsonReport.OnlyCheckpoint(run).Text("status"));
    }

    [Fact]
    public void Downgrade_of_a_legacy_checkpoint_says_so()
    {
        using var folder = new WorkFolder();
        var run = Tool.Run("downgrade", folder.Take(fixtures["gqa-float32"].Folder), "--json");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("unchanged", JsonReport.OnlyCheckpoint(run).Text("status"));
        Assert.Equal(["gqa-float32"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    private static void SaysNothingToDo(Func<WorkFolder, string> take)
    {
        using var folder = new WorkFolder();
        var path = take(folder);
        var before = folder.Snapshot();
        var run = Tool.Run("upgrade", path);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("nothing to do", run.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, folder.Snapshot());
    }
}
