using System.CommandLine;

namespace QkvMigrate.Cli.Reference.Completion;

/// <summary>The script for fish 3 and later.</summary>
internal static class FishCompletion
{
    /// <summary>Writes the script.</summary>
    public static void Write(TextWriter writer, RootCommand root)
    {
        const string NoCommand = "__fish_use_subcommand";
        writer.WriteLine("# fish completion for qkvmigrate, made by 'qkvmigrate completion fish'");
        writer.WriteLine("complete -c qkvmigrate -f");
        foreach (var option in root.VisibleOptions())
        {
            WriteOption(writer, NoCommand, option);
        }

        foreach (var command in root.VisibleCommands())
        {
            WriteLine(writer, NoCommand, $"-a {command.Name}", command.Description);
        }

        foreach (var command in root.VisibleCommands())
        {
            var condition = $"__fish_seen_subcommand_from {command.Name}";
            foreach (var option in command.VisibleOptions())
            {
                WriteOption(writer, condition, option);
            }

            foreach (var value in command.Arguments.Select(argument => argument.Value()).DistinctBy(value => value.IsPath))
            {
                WriteLine(writer, condition, value.IsPath ? "-F" : $"-a {Quote(string.Join(' ', value.Choices))}", null);
            }
        }
    }

    private static void WriteOption(TextWriter writer, string condition, Option option)
    {
        var names = option.UnixNames().Select(name => name.StartsWith("--", StringComparison.Ordinal) ? $"-l {name[2..]}" : $"-s {name[1..]}");
        // -r: a value follows. -x: and it is no path.
        var value = option.Value() switch
        {
            null => "",
            { IsPath: true } => " -r -F",
            { Choices: { Count: > 0 } choices } => $" -x -a {Quote(string.Join(' ', choices))}",
            _ => " -x",
        };
        WriteLine(writer, condition, string.Join(' ', names) + value, option.Description);
    }

    private static void WriteLine(TextWriter writer, string condition, string what, string? description) =>
        writer.WriteLine($"complete -c qkvmigrate -n {Quote(condition)} {what}{(description is null ? "" : $" -d {Quote(description)}")}");

    private static string Quote(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
