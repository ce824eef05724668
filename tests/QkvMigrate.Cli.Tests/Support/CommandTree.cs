using System.Text.RegularExpressions;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>A command of the program.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">How many words its synopsis has behind it, options aside.</param>
/// <param name="Options">Its options by their long names, with whether a value stands behind each.</param>
public sealed record CommandFacts(string Name, int Arguments, IReadOnlyList<(string Name, bool HasValue)> Options);

/// <summary>The commands and options that the program has, told by its own manual page, which is made of its command tree.</summary>
internal static partial class CommandTree
{
    public static IReadOnlyList<CommandFacts> Read()
    {
        var page = Tool.Run("man").Output.Replace("\\-", "-", StringComparison.Ordinal).Split("\n.SH EXIT STATUS")[0];
        var synopses = Synopsis().Matches(page).ToDictionary(line => line.Groups["name"].Value, line => line.Groups["words"].Value);
        IReadOnlyList<CommandFacts> commands =
        [
            .. page.Split("\n.SS \"").Skip(1).Select(part => (Name: part.Split('"')[0], Text: part)).Select(part => new CommandFacts(
                part.Name,
                Argument().Count(synopses[part.Name]),
                [.. OptionLine().Matches(part.Text).Select(line => (line.Groups["name"].Value, line.Groups["value"].Success))])),
        ];
        Assert.Equal(synopses.Keys.Order(), commands.Select(command => command.Name).Order());
        Assert.Contains(commands, command => command.Options.Any(option => option.HasValue));
        return commands;
    }

    [GeneratedRegex(@"^\\fBqkvmigrate\\fR \\fB(?<name>[a-z]+)\\fR(?<words>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Synopsis();

    [GeneratedRegex(@"\\fI[^\\]+\\fR", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Argument();

    [GeneratedRegex(@"^\.TP\n(\\fB-[^\\]+\\fR, )*\\fB(?<name>--[^\\]+)\\fR(?<value> \\fI)?", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OptionLine();
}
