using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>inspect</c> for people.</summary>
public sealed class InspectTests(FixtureSet fixtures) : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gqa-float32", "interleaved")]
    [InlineData("already-upgraded", "sequential")]
    public void Says_which_layout_and_geometry(string name, string layout)
    {
        var copy = _folder.Take(fixtures[name].Folder);
        var before = _folder.Snapshot();
        var run = Tool.Run("inspect", copy);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains(layout, run.Output, StringComparison.Ordinal);
        Assert.Contains("n_query_groups", run.Output, StringComparison.Ordinal);
        Assert.Equal(before, _folder.Snapshot());
    }

    [Fact]
    public void A_file_that_is_no_checkpoint_is_an_error()
    {
        var file = Path.Combine(_folder.Take(fixtures["no-checkpoint"].Folder), "lit_model.pth");
        var run = Tool.Run("inspect", file);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("lit_model.pth", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }
}
