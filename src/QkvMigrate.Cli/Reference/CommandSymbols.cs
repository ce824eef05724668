using System.CommandLine;

namespace QkvMigrate.Cli.Reference;

/// <summary>The command tree as its users see it: what the manual page and the completions are made of.</summary>
internal static class CommandSymbols
{
    /// <summary>The commands that the help shows.</summary>
    public static IEnumerable<Command> VisibleCommands(this Command command) => command.Subcommands.Where(child => !child.Hidden);

    /// <summary>The options that may follow <paramref name="command"/>: its own, and those that its parents have for all below them.</summary>
    public static IEnumerable<Option> VisibleOptions(this Command command) =>
        command.Options
            .Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options).Where(option => option.Recursive))
            .Where(option => !option.Hidden);

    /// <summary>The names of an option in the ways of Unix, the short ones first: <c>-o</c>, <c>--output</c>.</summary>
    public static IReadOnlyList<string> UnixNames(this Option option) =>
        [.. option.Aliases.Append(option.Name).Where(IsUnixName).OrderBy(name => name.Length)];

    /// <summary>What stands behind an option, or null for a switch.</summary>
    public static ValueHint? Value(this Option option) =>
        option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0
            ? null
            : new ValueHint(option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant());

    /// <summary>Whether an option may be given again.</summary>
    public static bool MayRepeat(this Option option) => option.Value() is not null && option.Arity.MaximumNumberOfValues > 1;

    /// <summary>What an argument is.</summary>
    public static ValueHint Value(this Argument argument) => new(argument.HelpName ?? argument.Name);

    /// <summary>An argument as a synopsis shows it: <c>PATH</c>, <c>[PATH]</c>, <c>PATH...</c>.</summary>
    public static string Synopsis(this Argument argument)
    {
        var name = argument.Value().Name + (argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    /// <summary>What an option is where it is not given, or null where that is nothing to speak of.</summary>
    public static string? DefaultText(this Option option) =>
        option.Value() is not null && option.HasDefaultValue ? option.GetDefaultValue()?.ToString() : null;

    // System.CommandLine's help option answers to -?, /? and /h as well, which no Unix user looks for.
    private static bool IsUnixName(string name) => name.StartsWith('-') && name != "-?";
}
