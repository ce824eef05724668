using QkvMigrate.Cli.Tests.Support;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Bad usage: exit code 2, said on standard error, and nothing on standard output. None of it needs a checkpoint.</summary>
public sealed class UsageTests
{
    /// <summary>System.CommandLine crashes in one column, and breaks lines for ever in five.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(39)]
    public void Help_ends_in_a_narrow_terminal(int columns)
    {
        var run = new PseudoTerminal(columns).Run("upgrade", "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("--in-place", run.Output + run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("repair", "lit_model.pth")]
    [InlineData("upgrade")]
    [InlineData("upgrade", "lit_model.pth", "--no-such-option")]
    [InlineData("upgrade", "lit_model.pth", "--n-head", "four")]
    [InlineData("upgrade", "lit_model.pth", "--jobs", "four")]
    [InlineData("upgrade", "lit_model.pth", "--jobs", "")]
    [InlineData("upgrade", "lit_model.pth", "--jobs", "1", "--jobs", "2")]
    [InlineData("upgrade", "lit_model.pth", "--lora-r", "x")]
    [InlineData("upgrade", "lit_model.pth", "--in-place=no")]
    [InlineData("upgrade", "lit_model.pth", "--in-place:no")]
    [InlineData("upgrade", "lit_model.pth", "--include", "..")]
    [InlineData("upgrade", "lit_model.pth", "-o", "")]
    [InlineData("upgrade", "lit_model.pth", "--output")]
    [InlineData("upgrade", "")]
    [InlineData("generate", "lit_model.pth", "--prompt", "x", "--top-k", "")]
    [InlineData("generate", "lit_model.pth", "--prompt", "x", "--max-new-tokens", "1.5")]
    [InlineData("upgrade", "lit_model.pth", "--engine", "stream", "--device", "cuda")]
    [InlineData("upgrade", "lit_model.pth", "--engine", "abacus")]
    [InlineData("upgrade", "lit_model.pth", "--device", "tpu")]
    [InlineData("upgrade", "lit_model.pth", "--in-place", "-o", "other.pth")]
    [InlineData("upgrade", "lit_model.pth", "--backup", ".bak")]
    [InlineData("upgrade", "lit_model.pth", "--in-place", "--backup", "")]
    [InlineData("upgrade", "lit_model.pth", "--model", "no-such-model")]
    public void Exits_with_two(params string[] arguments)
    {
        var run = Tool.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.ErrorLines);
        Assert.Empty(run.Output);
    }

    [Fact]
    public void A_word_that_is_none_of_an_options_is_told_with_those() => Assert.Equal(
        ["qkvmigrate: --verify 'all': expected none, quick or full; see 'qkvmigrate upgrade --help'"],
        Tool.Run("upgrade", "lit_model.pth", "--verify", "all").ErrorLines);

    [Fact]
    public void Help_names_every_command()
    {
        var run = Tool.Run("--help");
        Assert.Equal(0, run.ExitCode);
        Assert.All(["inspect", "upgrade", "downgrade"], command => Assert.Contains(command, run.Output, StringComparison.Ordinal), throwIfEmpty: true);
    }

    [Fact]
    public void Version_is_one_line()
    {
        var run = Tool.Run("--version");
        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", run.Output);
    }
}
