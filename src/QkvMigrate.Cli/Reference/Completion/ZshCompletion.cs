using System.CommandLine;

namespace QkvMigrate.Cli.Reference.Completion;

/// <summary>The script for zsh's completion system: as <c>_qkvmigrate</c> in a folder of <c>fpath</c>, or sourced behind <c>compinit</c>.</summary>
internal static class ZshCompletion
{
    /// <summary>Writes the script.</summary>
    public static void Write(TextWriter writer, RootCommand root)
    {
        writer.WriteLine(
            """
            #compdef qkvmigrate
            # zsh completion for qkvmigrate, made by 'qkvmigrate completion zsh'
            _qkvmigrate() {
                local curcontext=$curcontext state line
                local -A opt_args
                local -a commands
                commands=(
            """);
        foreach (var command in root.VisibleCommands())
        {
            writer.WriteLine($"        {Quote($"{command.Name}:{command.Description}")}");
        }

        writer.WriteLine("    )");
        writer.WriteLine("    _arguments -C \\");
        WriteOptions(writer, root, "        ");
        writer.WriteLine(
            """
                    '1:command:->command' \
                    '*::argument:->argument'
                case $state in
                    command) _describe command commands ;;
                    argument)
                        case $words[1] in
            """);
        foreach (var command in root.VisibleCommands())
        {
            writer.WriteLine($"                {command.Name})");
            writer.WriteLine("                    _arguments \\");
            WriteOptions(writer, command, "                        ");
            writer.WriteLine($"                        {string.Join(" ", command.Arguments.Select((argument, i) => Argument(argument, i + 1)))} ;;");
        }

        writer.WriteLine(
            """
                        esac ;;
                esac
            }
            if [[ $funcstack[1] == _qkvmigrate ]]; then
                _qkvmigrate "$@"
            else
                compdef _qkvmigrate qkvmigrate
            fi
            """);
    }

    private static void WriteOptions(TextWriter writer, Command command, string indent)
    {
        foreach (var option in command.VisibleOptions())
        {
            var names = option.UnixNames();
            // What excludes an option is itself, unless it may be given again.
            var before = option.MayRepeat() ? "*" : $"({string.Join(' ', names)})";
            foreach (var name in names)
            {
                writer.WriteLine($"{indent}{Quote($"{before}{Specification(name, option)}")} \\");
            }
        }
    }

    private static string Specification(string name, Option option)
    {
        var description = $"[{Escape(option.Description ?? "", "[]\\")}]";
        // -o+ takes its value in the same word or the next, and so does --output=.
        return option.Value() is not { } value ? name + description
            : $"{name}{(name.StartsWith("--", StringComparison.Ordinal) ? "=" : "+")}{description}{Action(value)}";
    }

    private static string Argument(Argument argument, int position) =>
        Quote($"{(argument.Arity.MaximumNumberOfValues > 1 ? "*" : $"{position}")}{Action(argument.Value())}");

    private static string Action(ValueHint value)
    {
        var action = value.IsPath ? "_files" : value.Choices.Count > 0 ? $"({string.Join(' ', value.Choices)})" : " ";
        return $":{Escape(value.Choices.Count > 0 ? "value" : value.Name, ":\\")}:{action}";
    }

    private static string Escape(string text, string special) =>
        string.Concat(text.Select(character => special.Contains(character, StringComparison.Ordinal) ? $"\\{character}" : $"{character}"));

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
