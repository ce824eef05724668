using System.Collections.Concurrent;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// Every option and argument of every command, as the command tree has them, with values that nobody should give: each run
/// ends with a documented exit code and one line at most. The native program gets all of them, the built one each value
/// with a part of the options, because it takes twenty times as long to start.
/// </summary>
public sealed class OddCommandLineTests : IDisposable
{
    private const int PartOfBuilt = 12;

    // What else has to stand there for an option to be looked at more closely.
    private static readonly Dictionary<string, string[]> Partners = new()
    {
        ["--backup"] = ["--in-place"],
        ["--lora-alpha"] = ["--lora", "merge"],
        ["--lora-base"] = ["--lora", "merge"],
        ["--lora-r"] = ["--lora", "merge"],
        ["--seed"] = ["--top-k", "2"],
    };

    private static readonly string[] Values =
    [
        "", " ", "\t", "\n", "-1", "-0", "0", "1", "1.5", "four", "NaN", "inf", "1e309", "1e-300", "0x10", "\u0663", "2147483647", "2147483648",
        "9223372036854775807", "99999999999999999999", "1/2147483647", "1,2", "--", "-", "--json", "cuda", "cuda:999", "merge", "full", "folder", "notes",
        "fifo", "..", ".", "~", "a/b/c", "**/", "[", "@notes", "/", "/dev/null", "/dev/full", "/dev/zero", "\u202ee\u0301", "\ufffd",
        new('n', 300), new('x', 6000), string.Concat(Enumerable.Repeat("d/", 2500)),
    ];

    private readonly WorkFolder folder = new();
    private readonly string work;

    public OddCommandLineTests()
    {
        // Two levels down, so that '..' has little in it.
        work = Directory.CreateDirectory(folder.At("outer", "inner")).FullName;
        Directory.CreateDirectory(Path.Combine(work, "folder"));
        File.WriteAllText(Path.Combine(work, "notes"), "no checkpoint\n");
        Directory.Move(folder.Take(Repository.At("samples", "tiny-licenses-gqa"), "taken"), Path.Combine(work, "model"));
        Assert.Equal(0, ChildProcess.Run("mkfifo", [Path.Combine(work, "fifo")]).ExitCode);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_option_of_every_command_ends_in_a_documented_way()
    {
        IReadOnlyList<string[]> all = [.. CommandTree.Read().SelectMany(CommandLines)];
        var lines = BuildFacts.IsNative ? all : [.. all.Where((_, i) => i % PartOfBuilt == 0)];
        Assert.True(lines.Count > 150, $"{lines.Count} command lines");
        AssertDocumented(lines, behind: "");
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_end_in_a_documented_way() =>
        AssertDocumented(
            [.. CommandTree.Read().SelectMany(command => command.Options.Where(option => option.HasValue).Select(option => (string[])[command.Name, .. Base(command, option.Name), option.Name]))],
            behind: "\"$(printf 'a\\377\\376')\"");

    private IEnumerable<string[]> CommandLines(CommandFacts command)
    {
        foreach (var (name, hasValue) in command.Options)
        {
            var start = (string[])[command.Name, .. Base(command, name)];
            yield return [.. start, name];
            yield return [.. start, $"{name}=odd"];
            foreach (var value in hasValue ? Values : [])
            {
                yield return [.. start, name, value];
            }
        }

        // A root folder is a tree like any other, and a large one.
        foreach (var value in command.Arguments > 0 ? Values.Where(value => value != "/") : [])
        {
            yield return [command.Name, .. Base(command, "").Skip(1), value];
        }
    }

    /// <summary>What makes a command line sound without <paramref name="option"/>: paths and what else is needed.</summary>
    private static IEnumerable<string> Base(CommandFacts command, string option)
    {
        // generate and bench would compute with a sound model.
        var path = command.Name is "generate" or "bench" ? "notes" : command.Name == "completion" ? "bash" : "model";
        var rest = command.Name == "generate" && option is not ("--tokens" or "--prompt") ? ["--tokens", "1"] : Array.Empty<string>();
        var partner = Partners.GetValueOrDefault(option, []);
        return [.. Enumerable.Repeat(path, option == "--model" && command.Name == "bench" ? 0 : command.Arguments), .. rest, .. partner];
    }

    private void AssertDocumented(IReadOnlyList<string[]> lines, string behind)
    {
        var wrong = new ConcurrentQueue<string>();
        Parallel.ForEach(lines, new ParallelOptions { MaxDegreeOfParallelism = 2 }, line =>
        {
            var run = ShellRun.Run(work, "", behind, line);
            if (run.ExitCode is < 0 or > 3 || run.ErrorLines.Count > 1 || (run.ExitCode == 2 && run.ErrorLines.Count == 0))
            {
                wrong.Enqueue($"{string.Join(' ', line.Select(word => word.Length > 50 ? word[..50] + "..." : $"'{word}'"))}: exit {run.ExitCode}: {run.Error}");
            }
        });
        Assert.Empty(wrong);
    }
}
