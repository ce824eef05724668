using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Progress: on standard error alone, as bars on a terminal and as lines elsewhere.</summary>
public sealed class ProgressTests : IDisposable
{
    /// <summary>Layers of 640 KiB that are enough for a bar.</summary>
    private const int Large = 64;

    private const int Small = 2;

    /// <summary>Columns that a name has room in behind what is being done: a quick machine verifies before the first bar is there.</summary>
    private const int Wide = 160;

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_terminal_gets_a_bar_with_bytes_rate_and_time_left()
    {
        var terminal = new PseudoTerminal(Wide) { Output = _folder.At("stdout") };
        var run = terminal.Run(Upgrade(Large));
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(PseudoTerminal.Lines(run.Output), line => line.Contains($"{Path.GetFileName(_folder.Path)}/lit_model.pth", StringComparison.Ordinal) && line.Contains('%', StringComparison.Ordinal) && line.Contains("MB", StringComparison.Ordinal) && line.Contains("/s", StringComparison.Ordinal));
        Assert.Contains("\e[38;5;", run.Output, StringComparison.Ordinal);
        AssertCursorIsBack(run);
        AssertIsPlainResult(File.ReadAllText(_folder.At("stdout")));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    public void No_line_of_a_bar_wraps(int columns)
    {
        var run = new PseudoTerminal(columns) { Output = _folder.At("stdout") }.Run(Upgrade(Large));
        Assert.Equal(0, run.ExitCode);
        var lines = PseudoTerminal.Lines(run.Output);
        Assert.Contains(lines, line => line.Contains('%', StringComparison.Ordinal));
        Assert.All(lines, line => Assert.True(line.Length < columns, line), throwIfEmpty: true);
        Assert.All(lines, line => Assert.Contains('%', line), throwIfEmpty: true);
    }

    [Fact]
    public void Several_checkpoints_have_a_bar_for_the_whole()
    {
        foreach (var name in new[] { "one", "two" })
        {
            Directory.CreateDirectory(_folder.At("tree", name));
            LegacyCheckpoint.Write(_folder.At("tree", name, "lit_model.pth"), Large);
        }

        var run = new PseudoTerminal(Wide) { Output = _folder.At("stdout") }.Run(["upgrade", _folder.At("tree"), "-o", _folder.At("out"), "--jobs", "2", .. LegacyCheckpoint.Arguments]);
        Assert.Equal(0, run.ExitCode);
        var lines = PseudoTerminal.Lines(run.Output);
        var size = new FileInfo(_folder.At("tree", "one", "lit_model.pth")).Length;
        Assert.Contains(lines, line => line.StartsWith("0 of 2 finished", StringComparison.Ordinal) && line.Contains($"/{2 * size / 1e6:0.0} MB", StringComparison.Ordinal));

        // One of the two can be through with its bytes before the first picture is drawn.
        Assert.Contains(lines, line => line.Contains("/lit_model.pth", StringComparison.Ordinal) && line.Contains($"/{size / 1e6:0.0} MB", StringComparison.Ordinal));
        AssertCursorIsBack(run);
    }

    [Fact]
    public void No_color_means_none()
    {
        var terminal = new PseudoTerminal { Output = _folder.At("stdout"), Environment = { ["NO_COLOR"] = "1" } };
        var run = terminal.Run(Upgrade(Large));
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(PseudoTerminal.Lines(run.Output), line => line.Contains('%', StringComparison.Ordinal));
        Assert.DoesNotMatch(@"\e\[[0-9;]*m", run.Output);
    }

    [Theory]
    [InlineData("dumb", false)]
    [InlineData("xterm-256color", true)]
    public void A_dumb_terminal_and_a_quiet_run_get_nothing(string term, bool isQuiet)
    {
        var terminal = new PseudoTerminal { Output = _folder.At("stdout"), Environment = { ["TERM"] = term } };
        var run = terminal.Run([.. Upgrade(Large), .. isQuiet ? ["-q"] : Array.Empty<string>()]);
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
    }

    [Fact]
    public void A_small_checkpoint_is_there_before_a_bar_is()
    {
        var run = new PseudoTerminal { Output = _folder.At("stdout") }.Run(Upgrade(Small));
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        AssertIsPlainResult(File.ReadAllText(_folder.At("stdout")));
    }

    [Fact]
    public void Without_a_terminal_standard_error_stays_empty()
    {
        var run = Tool.Run(Upgrade(Large));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        AssertIsPlainResult(run.Output);
    }

    [Fact]
    public void Verbose_logs_each_file()
    {
        var run = Tool.Run([.. Upgrade(Small), "-v"]);
        Assert.Equal(0, run.ExitCode);
        var source = _folder.At("lit_model.pth");
        var size = new FileInfo(_folder.At("out.pth")).Length;
        Assert.Equal(1_312_000, size, 2_000.0);
        Assert.Collection(
            run.ErrorLines,
            line => Assert.Equal($"qkvmigrate: writing {source}: 1.31 MB", line),
            line => Assert.StartsWith("qkvmigrate: rows are moved by the engine stream on cpu", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"qkvmigrate: wrote {source}: 1.31 MB in ", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Ctrl_c_leaves_the_terminal_sane()
    {
        // The bar is there from the first bytes on, and the sync behind the last one takes until long after Ctrl-C was typed.
        var terminal = new PseudoTerminal { InterruptAt = "%", Tracer = Strace.Command("fsync:delay_enter=5000000") };
        var run = terminal.Run(Upgrade(Large));

        AssertCursorIsBack(run);
        Assert.Equal(130, run.ExitCode);
        Assert.Contains("cancelled", string.Join(' ', PseudoTerminal.Lines(run.Output)), StringComparison.Ordinal);
        Assert.Equal(["lit_model.pth"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_name_cannot_move_the_cursor()
    {
        LegacyCheckpoint.Write(_folder.At("\e[2J[red]\u202emodel.pth"), Large);
        var run = new PseudoTerminal(160) { Output = _folder.At("stdout") }.Run(["upgrade", _folder.At("\e[2J[red]\u202emodel.pth"), "-o", _folder.At("out.pth"), .. LegacyCheckpoint.Arguments]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(@"[2J[red]\u202emodel.pth", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[2J", run.Output, StringComparison.Ordinal);
    }

    private string[] Upgrade(int layers)
    {
        LegacyCheckpoint.Write(_folder.At("lit_model.pth"), layers);
        return ["upgrade", _folder.At("lit_model.pth"), "-o", _folder.At("out.pth"), .. LegacyCheckpoint.Arguments];
    }

    private static void AssertCursorIsBack(ProcessResult run)
    {
        Assert.Contains(PseudoTerminal.HideCursor, run.Output, StringComparison.Ordinal);
        Assert.True(run.Output.LastIndexOf(PseudoTerminal.ShowCursor, StringComparison.Ordinal) > run.Output.LastIndexOf(PseudoTerminal.HideCursor, StringComparison.Ordinal));
    }

    private static void AssertIsPlainResult(string output)
    {
        Assert.StartsWith("upgraded: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', output);
        Assert.DoesNotContain('%', output);
    }
}
