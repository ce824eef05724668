using System.CommandLine;

namespace QkvMigrate.Cli.Reference.Completion;

/// <summary>The script for bash 4 and later; it does not need the bash-completion package.</summary>
internal static class BashCompletion
{
    /// <summary>Writes the script.</summary>
    public static void Write(TextWriter writer, RootCommand root)
    {
        writer.WriteLine(
            """
            # bash completion for qkvmigrate, made by 'qkvmigrate completion bash'
            _qkvmigrate() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word words=
                COMPREPLY=()
                # bash makes three words of --engine=stream.
                if [[ $current == = ]]; then
                    current=
                elif [[ $previous == = && $COMP_CWORD -gt 1 ]]; then
                    previous=${COMP_WORDS[COMP_CWORD-2]}
                fi
                for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                    if [[ $word != -* ]]; then
                        command=$word
                        break
                    fi
                done
                # Where nothing is found, readline completes paths; that is kept for what takes one.
                case $command,$previous in
            """);
        foreach (var command in root.VisibleCommands())
        {
            foreach (var options in command.VisibleOptions().Where(option => option.Value() is not null).GroupBy(option => Action(option.Value()!)))
            {
                writer.WriteLine($"        {string.Join('|', options.SelectMany(option => option.UnixNames()).Select(name => $"{command.Name},{name}"))}) {options.Key} ;;");
            }
        }

        writer.WriteLine("    esac");
        writer.WriteLine("    case $command in");
        WriteCase(writer, "''", [.. root.VisibleCommands().Select(command => command.Name)], root);
        foreach (var command in root.VisibleCommands())
        {
            WriteCase(writer, command.Name, [.. command.Arguments.SelectMany(argument => argument.Value().Choices)], command);
        }

        writer.WriteLine(
            """
                esac
                COMPREPLY=($(compgen -W "$words" -- "$current"))
            }
            complete -o bashdefault -o default -F _qkvmigrate qkvmigrate
            """);
    }

    private static string Action(ValueHint value) =>
        value.IsPath ? "return"
        : value.Choices.Count > 0 ? $"COMPREPLY=($(compgen -W '{string.Join(' ', value.Choices)}' -- \"$current\")); return"
        : "compopt +o bashdefault +o default 2> /dev/null; return";

    private static void WriteCase(TextWriter writer, string pattern, IReadOnlyList<string> words, Command command)
    {
        var options = command.VisibleOptions().SelectMany(option => option.UnixNames());
        writer.WriteLine($"        {pattern}) if [[ $current == -* ]]; then words='{string.Join(' ', options)}'; else words='{string.Join(' ', words)}'; fi ;;");
    }
}
