using System.CommandLine;
using QkvMigrate.Cli.Diagnosis;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Cli.Terminals;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate doctor</c>: what the program finds on this machine.</summary>
internal sealed class DoctorCommand
{
    private readonly Argument<string?> path = TypedArgument.OptionalPath(
        "PATH",
        "A file or folder whose filesystem is looked at; the working directory where this is not given.");
    private readonly LibtorchOption libtorch = new();
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new DoctorCommand();
        var command = new RuledCommand("doctor", "Show what there is on this machine: engines, libtorch, CUDA devices, and what a filesystem can do.");
        command.Arguments.Add(options.path);
        command.Options.Add(options.libtorch.Option);
        command.Options.Add(options.json);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(quiet: false, verbose: false);
        libtorch.Choose(parsed, log);
        var report = MachineReport.Of(parsed.GetValue(path) ?? ".");
        if (parsed.GetValue(json))
        {
            JsonMachineReport.Write(Console.Out, report);
        }
        else
        {
            using var lines = new PrintableWriter(Console.Out, Terminal.OutputWidth);
            TextMachineReport.Write(lines, report);
        }

        return ExitCode.Success;
    }
}
