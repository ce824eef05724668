using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Standard streams that are full, closed or broken, and too few descriptors: told in a line, and no file is worse for it.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private const string Printed = "not all of the result was printed, what was done to files stays done";

    private readonly WorkFolder folder = new();

    public StandardStreamTests() => folder.Take(Repository.At("samples", "tiny-licenses-gqa"), "model");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(">/dev/full", "No space left on device")]
    [InlineData(">&-", "Bad file descriptor")]
    [InlineData("<&- >&-", "Bad file descriptor")]
    public void What_is_not_printed_is_told_and_the_work_is_done(string streams, string problem)
    {
        var run = ShellRun.Run(folder.Path, "", streams, "upgrade", "model", "-o", "new");
        Assert.Equal((1, $"qkvmigrate: standard output: {problem}; {Printed}\n"), (run.ExitCode, run.Error));
        AssertUpgraded();
    }

    [Fact]
    public void A_broken_pipe_is_told_and_the_work_is_done()
    {
        // A pipe that nobody will read: its reader has ended when the program starts.
        var run = ShellRun.Run(folder.Path, "exec 3> >(exec true); wait $!", ">&3", "upgrade", "model", "-o", "new");
        Assert.Equal((1, $"qkvmigrate: standard output: Broken pipe; {Printed}\n"), (run.ExitCode, run.Error));
        AssertUpgraded();
    }

    [Theory]
    [InlineData("2>/dev/full", 0)]
    [InlineData("2>&-", 0)]
    [InlineData("<&-", 0)]
    [InlineData("<&- 2>&-", 0)]
    [InlineData(">/dev/full 2>/dev/full", 1)]
    [InlineData(">&- 2>&-", 1)]
    [InlineData("<&- >&- 2>&-", 1)]
    public void Nothing_can_be_told_and_the_work_is_done(string streams, int exitCode)
    {
        var run = ShellRun.Run(folder.Path, "", streams, "upgrade", "model", "-o", "new");
        Assert.Equal((exitCode, ""), (run.ExitCode, run.Error));
        AssertUpgraded();
    }

    [Theory]
    [InlineData(">/dev/full", 1)]
    [InlineData(">&-", 1)]
    [InlineData("2>/dev/full", 0)]
    [InlineData("2>&-", 0)]
    [InlineData("<&-", 0)]
    [InlineData("<&- >&- 2>&-", 1)]
    public void Every_command_ends_in_a_documented_way(string streams, int helpCode)
    {
        foreach (var command in CommandTree.Read())
        {
            var help = ShellRun.Run(folder.Path, "", streams, command.Name, "--help");
            Assert.Equal((command.Name, helpCode), (command.Name, help.ExitCode));
            var missing = ShellRun.Run(folder.Path, "", streams, [command.Name, .. Enumerable.Repeat("none", command.Arguments)]);
            Assert.InRange(missing.ExitCode, 0, 3);
            Assert.InRange(missing.ErrorLines.Count, 0, 1);
        }
    }

    [Fact]
    public void A_log_that_is_lost_is_a_failure() =>
        Assert.Equal(1, ShellRun.Run(folder.Path, "", "2>/dev/full", "upgrade", "model", "-o", "new", "--verbose").ExitCode);

    /// <summary>.NET's runtime needs some sixty for itself, where the program is not native.</summary>
    [Fact]
    public void Too_few_descriptors_fail_that_checkpoint()
    {
        for (var i = 0; i < 8; i++)
        {
            Directory.CreateDirectory(folder.At("tree"));
            Directory.Move(folder.Take(folder.At("model"), $"copy{i}"), folder.At("tree", $"m{i}"));
        }

        foreach (var limit in BuildFacts.IsNative ? [16, 18, 20, 24, 28, 32, 40, 48, 64] : new[] { 72, 80, 88, 96 })
        {
            var run = ShellRun.Run(folder.Path, $"ulimit -n {limit}", "", "upgrade", "tree", "-o", $"new{limit}", "--jobs", "8");
            Assert.InRange(run.ExitCode, 0, 1);
            Assert.All(run.ErrorLines, line => Assert.StartsWith("qkvmigrate: ", line, StringComparison.Ordinal), throwIfEmpty: false);
            Assert.Equal(run.ExitCode != 0, run.ErrorLines.Count > 0);
            Assert.DoesNotContain("unexpected failure", run.Error, StringComparison.Ordinal);
            var again = Tool.Run("upgrade", folder.At("tree"), "-o", folder.At($"new{limit}"));
            Assert.True(again.ExitCode == 0, again.Error);
            Assert.Equal(8, Directory.GetFiles(folder.At($"new{limit}"), "lit_model.pth", SearchOption.AllDirectories).Length);
            Assert.DoesNotContain(Directory.GetFileSystemEntries(folder.At($"new{limit}"), "*", SearchOption.AllDirectories), name => name.EndsWith("-tmp", StringComparison.Ordinal));
        }
    }

    /// <summary>Many small checkpoints are worked on at a time, each with several files: as many as there are descriptors for.</summary>
    [Theory]
    [InlineData("ulimit -n 160")]
    [InlineData("ulimit -n 256")]
    [InlineData("ulimit -Sn 64")]
    public void Small_checkpoints_take_no_more_descriptors_than_there_are(string limit)
    {
        for (var i = 0; i < 40; i++)
        {
            var unit = folder.At("tree", $"m{i}");
            Directory.CreateDirectory(Path.GetDirectoryName(unit)!);
            Directory.Move(folder.Take(folder.At("model"), $"copy{i}"), unit);
            for (var kept = 0; kept < 6; kept++)
            {
                File.WriteAllText(Path.Combine(unit, $"kept{kept}.txt"), $"{i} {kept}");
            }
        }

        var run = ShellRun.Run(folder.Path, limit, "", "upgrade", "tree", "-o", "new", "--jobs", "2");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(40, Directory.GetFiles(folder.At("new"), "lit_model.pth", SearchOption.AllDirectories).Length);
    }

    private void AssertUpgraded()
    {
        var verified = Tool.Run("verify", folder.At("model"), folder.At("new"));
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Error);
    }
}
