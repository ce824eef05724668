using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Reference.Completion;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate completion</c>: prints a script by which a shell completes commands, options and values without running the program.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, Action<TextWriter, RootCommand>> Shells = new(StringComparer.Ordinal)
    {
        ["bash"] = BashCompletion.Write,
        ["zsh"] = ZshCompletion.Write,
        ["fish"] = FishCompletion.Write,
        ["powershell"] = PowerShellCompletion.Write,
    };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var shell = TypedArgument.Choice("SHELL", "The shell that the script is for.", [.. Shells.Keys]);
        var command = new Command("completion", "Print a script that completes commands, options and their values in a shell.");
        command.Arguments.Add(shell);
        command.SetAction(parsed =>
        {
            Shells[parsed.GetValue(shell)!](Console.Out, (RootCommand)parsed.RootCommandResult.Command);
            return ExitCode.Success;
        });
        return command;
    }
}
