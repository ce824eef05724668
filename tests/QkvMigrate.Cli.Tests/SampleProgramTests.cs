using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The sample program upgrades as the tool does, and says what it cannot.</summary>
public sealed class SampleProgramTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Upgrades_what_the_tool_upgrades()
    {
        var source = _folder.Take(Repository.At("samples", "tiny-licenses-gqa"));
        var expected = Tool.Run("upgrade", source, "-o", _folder.At("by-tool"));
        Assert.True(expected.ExitCode == 0, expected.Error);

        var run = ChildProcess.Run(BuildFacts.Sample, [source, _folder.At("by-code")], Tool.Environment);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.StartsWith($"{source}/lit_model.pth: Upgraded, 4 of 31 tensors reordered\n", run.Output, StringComparison.Ordinal);
        Assert.Equal(WorkFolder.Snapshot(_folder.At("by-tool")), WorkFolder.Snapshot(_folder.At("by-code")));
    }

    [Fact]
    public void Says_what_it_cannot_upgrade()
    {
        File.WriteAllText(_folder.At("lit_model.pth"), "no checkpoint");
        var run = ChildProcess.Run(BuildFacts.Sample, [_folder.At("lit_model.pth"), _folder.At("new.pth")], Tool.Environment);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith(_folder.At("lit_model.pth"), Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.At("new.pth")));
    }
}
