using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>
/// The examples of a Markdown text, in their order. Blocks marked <c>sh</c> hold a command a line, which exits with 0, or
/// with what a comment behind it says: <c># exits 3</c>. Blocks marked <c>console</c> hold commands behind <c>$</c>, each
/// with what it prints.
/// </summary>
internal static partial class MarkdownExamples
{
    /// <summary>Whether a text has any.</summary>
    public static bool AreIn(string text) =>
        text.Split('\n').Any(line => line is "```sh" or "```console");

    /// <summary>Runs the examples of <paramref name="text"/> and returns it as it is right: with what the commands print now.</summary>
    public static string Run(string text, ExampleFolder folder)
    {
        var now = new StringBuilder();
        string? block = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                block = block is null ? line[3..] : null;
            }
            else if (block == "sh")
            {
                RunCommand(line, folder);
            }
            else if (block == "console")
            {
                now.Append(line.StartsWith("$ ", StringComparison.Ordinal) ? $"{line}\n{folder.Run(line[2..] + " 2>&1").Output}" : "");
                continue;
            }

            now.Append(line).Append('\n');
        }

        return now.ToString(0, now.Length - 1);
    }

    private static void RunCommand(string line, ExampleFolder folder)
    {
        var expected = ExitComment().Match(line) is { Success: true } comment ? comment.Value : "0";
        var run = folder.Run(line);
        Assert.True($"{run.ExitCode}" == expected, $"{line}\nexits with {run.ExitCode}, not {expected}\n{run.Error}");
    }

    [GeneratedRegex("(?<=# exits )[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex ExitComment();
}
