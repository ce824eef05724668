using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>inspect</c> at a terminal and in a pipe: the strips, the colours, the widths.</summary>
public sealed class InspectTerminalTests : IDisposable
{
    private const string Query = "\e[38;5;231;48;5;25m";
    private const string Key = "\e[38;5;16;48;5;214m";
    private const string Value = "\e[38;5;16;48;5;36m";

    private static readonly string Sample = Repository.At("samples", "tiny-licenses-gqa");

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_terminal_gets_the_strips_in_colours()
    {
        var run = new PseudoTerminal().Run("inspect", Sample);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"{Query} q0  q1  q2  q3 \e[0m{Key} k0 \e[0m{Value} v0 \e[0m | {Query} q4 ", run.Output, StringComparison.Ordinal);
        Assert.Contains($"{Query} q0  q1  q2  q3  q4  q5  q6  q7 \e[0m | {Key} k0  k1 \e[0m | {Value} v0  v1 \e[0m", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void No_color_keeps_the_letters_alone()
    {
        var run = new PseudoTerminal { Environment = { ["NO_COLOR"] = "1" } }.Run("inspect", Sample);
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotMatch(@"\e\[[0-9;]*[34]8;", run.Output);
        Assert.Contains("  before     q0  q1  q2  q3  k0  v0  |  q4  q5  q6  q7  k1  v1", PseudoTerminal.Lines(run.Output));
    }

    [Fact]
    public void A_dumb_terminal_gets_what_a_pipe_gets()
    {
        var piped = Tool.Run("inspect", Sample);
        var dumb = new PseudoTerminal { Environment = { ["TERM"] = "dumb" } }.Run("inspect", Sample);
        Assert.Equal(piped.Output, dumb.Output.Replace("\r\n", "\n", StringComparison.Ordinal));
        Assert.DoesNotContain('\e', piped.Output);
    }

    [Fact]
    public void A_pipe_gets_a_line_for_each_thing()
    {
        var run = Tool.Run("inspect", Sample);
        string[] expected =
        [
            $"{Sample}/lit_model.pth",
            "  format    torch-zip",
            "  size      1.19 MB in 31 tensors",
            "  dtypes    bfloat16: 31 tensors, 1.18 MB",
            "  layout    interleaved (attn.attn), LitGPT's before 0.5.4",
            "  geometry  n_head=8 n_query_groups=2 head_size=16 (from model_config.yaml)",
            "  heads     8 q, 2 k, 2 v of 16 rows each; 192 rows in all",
            "  before     q0  q1  q2  q3  k0  v0  |  q4  q5  q6  q7  k1  v1",
            "  after      q0  q1  q2  q3  q4  q5  q6  q7  |  k0  k1  |  v0  v1",
            "  upgrade   changes 4 tensors:",
        ];
        Assert.Equal(expected, run.Output.Split('\n')[..expected.Length]);
    }

    [Theory]
    [InlineData(8, 2, 32, " q0  q1  q2  q3  k0  v0  |  q4  q5  q6  q7  k1  v1", " q0  q1  q2  q3  q4  q5  q6  q7  |  k0  k1  |  v0  v1")]
    [InlineData(4, 1, 64, " q0  q1  q2  q3  k0  v0", " q0  q1  q2  q3  |  k0  |  v0")]
    [InlineData(32, 8, 8, "qqqqkv qqqqkv qqqqkv qqqqkv qqqqkv qqqqkv qqqqkv qqqqkv", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq kkkkkkkk vvvvvvvv")]
    [InlineData(64, 16, 4, " 4q  k  v  |  4q  k  v  |  4q  k  v  | ... 12 more ... |  4q  k  v", " 64q  |  16k  |  16v")]
    [InlineData(256, 64, 1, " 4q  k  v  |  4q  k  v  |  4q  k  v  | ... 60 more ... |  4q  k  v", " 256q  |  64k  |  64v")]
    public void Many_heads_are_shown_in_the_detail_that_fits(int heads, int groups, int size, string before, string after)
    {
        LegacyCheckpoint.Write(_folder.At("lit_model.pth"), 1);
        string[] arguments = ["inspect", _folder.At("lit_model.pth"), "--n-head", $"{heads}", "--n-query-groups", $"{groups}", "--head-size", $"{size}"];
        var lines = Tool.Run(arguments).Output.Split('\n');
        Assert.Contains($"  before    {before}", lines);
        Assert.Contains($"  after     {after}", lines);

        foreach (var columns in new[] { 80, 120 })
        {
            var run = new PseudoTerminal(columns).Run(arguments);
            Assert.Equal(0, run.ExitCode);
            var shown = PseudoTerminal.Lines(run.Output);
            Assert.Single(shown, line => line.StartsWith("  before    ", StringComparison.Ordinal) && (columns > 80 || line == $"  before    {before}"));
            Assert.All(shown.Where(line => !line.Contains(_folder.Path, StringComparison.Ordinal)), line => Assert.True(line.Length < columns, line), throwIfEmpty: true);
        }
    }

    [Fact]
    public void A_name_cannot_move_the_cursor()
    {
        LegacyCheckpoint.Write(_folder.At("lit_model.pth"), 1, "\e[2J[red].h.");
        var arguments = (string[])["inspect", _folder.At("lit_model.pth"), .. LegacyCheckpoint.Arguments];
        var run = new PseudoTerminal().Run(arguments);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(@"\x1b[2J[red].h.0.attn.attn.weight", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[2J", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', Tool.Run(arguments).Output);
    }
}
