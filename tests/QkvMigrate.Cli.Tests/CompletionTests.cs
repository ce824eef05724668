using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The completion scripts, asked by their shells what could stand at the end of a line.</summary>
public sealed class CompletionTests : IDisposable
{
    private static readonly Lazy<bool> IsPowerShellRestored =
        new(() => ChildProcess.Run("/usr/bin/env", ["-C", Repository.Root, "dotnet", "tool", "run", "pwsh", "--", "-Version"]).ExitCode == 0);

    private readonly WorkFolder _folder = new();

    public CompletionTests()
    {
        Directory.CreateDirectory(_folder.At("files"));
        File.WriteAllText(_folder.At("files", "lit_model.pth"), "");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Lines, and what each shell must offer for them; no words at all where a value is free.</summary>
    public static TheoryData<string, string, string[]> Lines
    {
        get
        {
            var data = new TheoryData<string, string, string[]>();
            foreach (var shell in new[] { "bash", "zsh", "fish", "powershell" })
            {
                data.Add(shell, "qkvmigrate up", ["upgrade"]);
                data.Add(shell, "qkvmigrate completion ", ["bash", "fish", "powershell", "zsh"]);
                data.Add(shell, "qkvmigrate --v", ["--version"]);
                data.Add(shell, "qkvmigrate upgrade --n-", ["--n-head", "--n-query-groups"]);
                data.Add(shell, "qkvmigrate upgrade x --in-place --back", ["--backup"]);
                data.Add(shell, "qkvmigrate verify --jo", []);
                data.Add(shell, "qkvmigrate upgrade --engine ", ["auto", "stream", "torch"]);
                data.Add(shell, "qkvmigrate upgrade --verify f", ["full"]);
                data.Add(shell, "qkvmigrate upgrade --n-head ", []);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void Offers_what_fits(string shell, string line, string[] expected) => Assert.Equal(expected, Complete(shell, line));

    [Theory]
    [InlineData("zsh", "qkvmigrate upgrade lit")]
    [InlineData("fish", "qkvmigrate upgrade lit")]
    [InlineData("powershell", "qkvmigrate upgrade lit")]
    [InlineData("zsh", "qkvmigrate upgrade --config lit")]
    [InlineData("fish", "qkvmigrate upgrade --config lit")]
    [InlineData("powershell", "qkvmigrate upgrade --config lit")]
    public void Offers_paths(string shell, string line) => Assert.Equal(["lit_model.pth"], Complete(shell, line));

    /// <summary>bash completes paths by itself where the script finds nothing and does not forbid it.</summary>
    [Theory]
    [InlineData("qkvmigrate upgrade lit")]
    [InlineData("qkvmigrate upgrade --config lit")]
    public void Leaves_paths_to_Bash(string line)
    {
        Assert.Empty(Complete("bash", line));
        Assert.EndsWith("complete -o bashdefault -o default -F _qkvmigrate qkvmigrate\n", Script("bash"), StringComparison.Ordinal);
    }

    [Fact]
    public void Bash_completes_a_value_behind_an_equals_sign() =>
        Assert.Equal(["stream"], Complete("bash", "qkvmigrate upgrade --engine = s"));

    [Fact]
    public void An_unknown_shell_is_bad_usage()
    {
        var run = Tool.Run("completion", "tcsh");
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains("tcsh", run.Error, StringComparison.Ordinal);
    }

    private static string Script(string shell)
    {
        var run = Tool.Run("completion", shell);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return run.Output;
    }

    /// <summary>What <paramref name="shell"/> offers for a line, in order; descriptions are cut off.</summary>
    private string[] Complete(string shell, string line)
    {
        var script = _folder.At("script.ps1");
        File.WriteAllText(script, Script(shell));
        var run = shell == "powershell" ? AskPowerShell(script, line, _folder.At("files")) : Ask(shell, script, line, _folder.At("files"));
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(offer => offer.Split('\t')[0].TrimEnd()).Order(StringComparer.Ordinal)];
    }

    private ProcessResult Ask(string shell, params string[] arguments)
    {
        if (!File.Exists($"/usr/bin/{shell}"))
        {
            Prerequisite.Missing($"this needs {shell}");
        }

        var environment = new Dictionary<string, string> { ["HOME"] = _folder.Path };
        return ChildProcess.Run($"/usr/bin/{shell}", [.. shell == "fish" ? ["--no-config"] : Array.Empty<string>(), Driver(shell), .. arguments], environment);
    }

    /// <summary>Asks the PowerShell that is a tool of this repository: .config/dotnet-tools.json.</summary>
    private ProcessResult AskPowerShell(params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["XDG_CACHE_HOME"] = _folder.Path,
            ["XDG_CONFIG_HOME"] = _folder.Path,
            ["XDG_DATA_HOME"] = _folder.Path,
            ["POWERSHELL_TELEMETRY_OPTOUT"] = "1",
        };
        string[] powerShell = ["-C", Repository.Root, "dotnet", "tool", "run", "pwsh", "--", "-NoProfile", "-NonInteractive"];
        if (!IsPowerShellRestored.Value)
        {
            Prerequisite.Missing("this needs PowerShell: dotnet tool restore");
        }

        return ChildProcess.Run("/usr/bin/env", [.. powerShell, "-File", Driver("ps1"), .. arguments], environment);
    }

    private static string Driver(string kind) => Repository.At("tests", "QkvMigrate.Cli.Tests", "Shells", $"complete.{kind}");
}
