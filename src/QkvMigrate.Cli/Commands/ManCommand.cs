using System.CommandLine;
using QkvMigrate.Cli.Reference;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate man</c>: prints the manual page.</summary>
internal static class ManCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("man", "Print the manual page.");
        command.SetAction(parsed =>
        {
            ManualPage.Write(Console.Out, (RootCommand)parsed.RootCommandResult.Command);
            return ExitCode.Success;
        });
        return command;
    }
}
