using System.CommandLine;

namespace QkvMigrate.Cli.Parsing;

/// <summary>The one place where a command line becomes a request that makes sense, or a line that says why it does not.</summary>
internal static class CommandLineReader
{
    // A path may start with '@': it is not the name of a file with further arguments.
    private static readonly ParserConfiguration Configuration = new() { ResponseFileTokenReplacer = null };

    /// <summary>Reads <paramref name="arguments"/>.</summary>
    /// <param name="root">The program's commands.</param>
    /// <param name="arguments">The words behind the program's name.</param>
    /// <param name="problem">All that is wrong, in one line, or null.</param>
    /// <exception cref="MigrationException">Nothing is wrong with the words, but the system cannot follow a path.</exception>
    public static ParseResult Read(RootCommand root, IReadOnlyList<string> arguments, out string? problem)
    {
        var parsed = root.Parse(arguments, Configuration);
        IReadOnlyList<string> problems =
        [
            .. parsed.Errors
                .Select(error => error.Message.TrimEnd('.'))
                .Concat(SwitchesWithValues(parsed, arguments))
                .Distinct(),
        ];
        var isRun = parsed.Action == parsed.CommandResult.Command.Action;
        if (problems.Count == 0 && isRun && parsed.CommandResult.Command is RuledCommand command)
        {
            problems = [.. command.Problems(parsed)];
        }

        if (problems.Count == 0 && isRun)
        {
            PathText.Check(parsed);
        }

        problem = problems.Count == 0 ? null : $"{string.Join("; ", problems)}; see '{CommandName(parsed)} --help'";
        return parsed;
    }

    /// <summary>
    /// System.CommandLine takes <c>--in-place=no</c> and <c>--in-place:no</c> for <c>--in-place</c> and a path, which is the opposite of what was meant.
    /// </summary>
    private static IEnumerable<string> SwitchesWithValues(ParseResult parsed, IReadOnlyList<string> arguments)
    {
        var switches = parsed.CommandResult.Command.Options
            .Where(option => option.ValueType == typeof(bool))
            .SelectMany(option => option.Aliases.Append(option.Name))
            .ToHashSet(StringComparer.Ordinal);
        return arguments.TakeWhile(word => word != "--")
            .Select(word => word.Split(['=', ':'], 2))
            .Where(parts => parts.Length == 2 && switches.Contains(parts[0]) && !bool.TryParse(parts[1], out _))
            .Select(parts => $"{parts[0]} {Quoted.Word(parts[1])}: expected nothing, true or false");
    }

    private static string CommandName(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "qkvmigrate" : $"qkvmigrate {parsed.CommandResult.Command.Name}";
}
