using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>What happens around the tool while it writes: other runs, signals, and hands on its source.</summary>
public sealed class DisturbedWritingTests : IDisposable
{
    private const int Layers = 60;
    private const int Attempts = 10;

    private readonly WorkFolder folder = new();

    private string Source => folder.At("model.pth");

    private string Target => folder.At("model-qkv.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Of_two_runs_one_wins_and_the_other_says_who_holds_the_target()
    {
        using var first = StopWhileWriting();

        var second = Tool.Run(["upgrade", Source, .. LegacyCheckpoint.Arguments]);

        Assert.Equal(1, second.ExitCode);
        Assert.EndsWith($"{Target}: another run of qkvmigrate (process {first.Id}) is writing it", Assert.Single(second.ErrorLines), StringComparison.Ordinal);
        first.Signal("CONT");
        var finished = first.Wait();
        Assert.True(finished.ExitCode == 0, finished.Error);
        Assert.Equal([Target, Source], Files());
    }

    [Fact]
    public void A_source_that_is_truncated_is_told_and_nothing_is_left() => AssertThrownAway("changed while it was read", () =>
    {
        using var file = OpenForDisturbance();
        file.SetLength(file.Length / 2);
    });

    [Fact]
    public void A_source_that_is_written_to_is_told_and_nothing_is_left() => AssertThrownAway("changed while it was read", () =>
    {
        using var file = OpenForDisturbance();
        file.Position = file.Length / 2;
        file.WriteByte(0);
    });

    [Fact]
    public void A_source_that_is_replaced_is_told_and_nothing_is_left() => AssertThrownAway("another file was put in its place", () =>
    {
        File.Copy(Source, folder.At("other"));
        File.Move(folder.At("other"), Source, overwrite: true);
    });

    [Fact]
    public void A_source_that_vanishes_is_told_and_nothing_is_left()
    {
        using var run = StopWhileWriting();
        File.Delete(Source);
        run.Signal("CONT");
        var ended = run.Wait();

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("removed while it was read", Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
        Assert.Empty(Files());
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void A_signal_ends_the_run_and_the_report_is_printed(string signal, int exitCode)
    {
        LegacyCheckpoint.Write(folder.At("small.pth"), 1);
        using var run = StopWhileWriting(folder.At("small.pth"));
        run.Signal(signal);
        run.Signal("CONT");
        var ended = run.Wait();

        Assert.Equal(exitCode, ended.ExitCode);
        var checkpoints = JsonReport.Document(ended).GetProperty("checkpoints").EnumerateArray().ToList();
        Assert.Equal(["upgraded", "failed"], checkpoints.Select(checkpoint => checkpoint.Text("status")));
        Assert.Equal("cancelled", checkpoints[1].GetProperty("error").Text("code"));
        Assert.Equal([Source, folder.At("small-qkv.pth"), folder.At("small.pth")], Files());
    }

    private void AssertThrownAway(string problem, Action disturb)
    {
        using var run = StopWhileWriting();
        disturb();
        run.Signal("CONT");
        var ended = run.Wait();

        Assert.Equal(1, ended.ExitCode);
        var line = Assert.Single(ended.ErrorLines);
        Assert.Contains(Source, line, StringComparison.Ordinal);
        Assert.Contains(problem, line, StringComparison.Ordinal);
        Assert.EndsWith("the result was thrown away", line, StringComparison.Ordinal);
        Assert.Equal([Source], Files());
    }

    /// <summary>A run that was stopped in the middle. Some are done before they can be stopped; then another is started.</summary>
    private RunningTool StopWhileWriting(params string[] before)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            LegacyCheckpoint.Write(Source, Layers);
            var run = RunningTool.Start(["upgrade", .. before, Source, "--json", "--force", .. LegacyCheckpoint.Arguments]);
            if (run.StopWhileWriting(Target))
            {
                return run;
            }

            run.Dispose();
            File.Delete(Target);
        }

        throw new InvalidOperationException($"{Attempts} runs were over before they could be stopped");
    }

    /// <summary>As other programs open files: .NET's own lock is advice that they do not take.</summary>
    private FileStream OpenForDisturbance() => new(Source, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

    private IEnumerable<string> Files() => Directory.EnumerateFileSystemEntries(folder.Path).Order(StringComparer.Ordinal);
}
