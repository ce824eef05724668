using System.Text.RegularExpressions;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>What the program says of itself: the help of each command, the manual page, the version.</summary>
public sealed partial class ReferenceTests
{
    private static readonly string[] Commands = [.. CommandRow().Matches(Tool.Run("--help").Output.Split("Commands:\n")[1]).Select(row => row.Groups["name"].Value)];

    [Fact]
    public void The_examples_of_every_command_work()
    {
        Assert.Superset(new HashSet<string>(["inspect", "upgrade", "downgrade", "verify", "report", "generate", "bench"]), Commands.ToHashSet());
        using var folder = new ExampleFolder();
        foreach (var command in Commands)
        {
            var help = Tool.Run(command, "--help");
            Assert.Equal((0, ""), (help.ExitCode, help.Error));
            var examples = ExampleLine().Matches(help.Output.Split("\nExample")[1]).Select(line => line.Value).ToList();
            Assert.NotEmpty(examples);
            foreach (var example in examples)
            {
                Assert.Contains($"qkvmigrate {command} ", example, StringComparison.Ordinal);
                var run = folder.Run(example);
                Assert.True(run.ExitCode == 0, $"{example}\n{run.Error}");
            }
        }
    }

    [Fact]
    public void The_manual_page_is_the_committed_one()
    {
        var run = Tool.Run("man");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        ApprovedFile.Compare(Repository.At("docs", "qkvmigrate.1"), run.Output);
    }

    [Fact]
    public void The_manual_page_sets_without_a_warning_and_has_every_command_and_option()
    {
        using var folder = new WorkFolder();
        File.WriteAllText(folder.At("qkvmigrate.1"), Tool.Run("man").Output);
        if (!File.Exists("/usr/bin/groff"))
        {
            Prerequisite.Missing("this needs groff (Debian: groff-base)");
        }

        var page = ChildProcess.Run("groff", ["-man", "-ww", "-Tascii", "-P-c", "-P-b", "-P-u", "-rLL=200n", folder.At("qkvmigrate.1")]);
        Assert.Equal((0, ""), (page.ExitCode, page.Error));
        foreach (var command in Commands)
        {
            Assert.Contains($"\n   {command}\n", page.Output, StringComparison.Ordinal);
            var options = OptionName().Matches(Tool.Run(command, "--help").Output.Split("Example")[0]).Select(name => name.Value);
            Assert.All(options, name => Assert.Contains(name, page.Output, StringComparison.Ordinal), throwIfEmpty: true);
        }
    }

    [Fact]
    public void The_version_tells_the_commit()
    {
        var head = ChildProcess.Run("git", ["-C", Repository.Root, "rev-parse", "HEAD"]);
        Assert.SkipWhen(head.ExitCode != 0, "the sources are no git repository");
        Assert.Matches($@"^\d+\.\d+\.\d+\+{head.Output.Trim()}\n$", Tool.Run("--version").Output);
    }

    [GeneratedRegex(@"^  (?<name>[a-z]+) ", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CommandRow();

    [GeneratedRegex(@"(?<=^  )[^# ].*$", RegexOptions.Multiline, 1000)]
    private static partial Regex ExampleLine();

    [GeneratedRegex(@"(?<=^  .*)--[a-z][a-z-]*", RegexOptions.Multiline, 1000)]
    private static partial Regex OptionName();
}
