using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Progress;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Running;
using QkvMigrate.Running.InPlace;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate recover</c>: finishes or takes back what an interrupted run with <c>--journal</c> left.</summary>
internal sealed class RecoverCommand
{
    private readonly Argument<string[]> paths = TypedArgument.Paths("PATH", "Files that an interrupted run left under another name, by either name, or directories with such files.");
    private readonly Option<bool> undo = new("--undo") { Description = "Take back what was changed, and leave the old file." };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly Option<bool> quiet = new("--quiet", "-q") { Description = "Print errors only." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new RecoverCommand();
        var command = new Command("recover", "Finish what an interrupted upgrade or downgrade with --journal left, or take it back.");
        command.Arguments.Add(options.paths);
        command.Options.Add(options.undo);
        command.Options.Add(options.json);
        command.Options.Add(options.quiet);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(parsed.GetValue(quiet), verbose: false);
        var reports = Recover(parsed, log);
        if (parsed.GetValue(json))
        {
            JsonReport.Write(Console.Out, reports, withPlan: false);
        }
        else if (!parsed.GetValue(quiet))
        {
            using var lines = new PrintableWriter(Console.Out, Terminal.OutputWidth);
            TextReport.Write(lines, reports, withPlan: false);
            if (reports.Count == 0)
            {
                lines.WriteLine("nothing was left to recover");
            }
        }

        log.Failures(reports);
        WorkflowAnnotations.Write(reports);
        return Signals.Token.IsCancellationRequested ? Signals.ExitCode
            : PathReports.HasFailure(reports) ? ExitCode.Failure
            : ExitCode.Success;
    }

    /// <summary>Recovers all paths. The progress is off the terminal when this returns, so that reports can be printed.</summary>
    private IReadOnlyList<CheckpointReport> Recover(ParseResult parsed, ConsoleLog log)
    {
        using var progress = ProgressDisplays.Start(log, parsed.GetValue(quiet));
        return
        [
            .. parsed.GetValue(paths)!.SelectMany(
                path => PathReports.Collect(path, () => Recovery.Run(path, parsed.GetValue(undo), progress, Signals.Token))),
        ];
    }
}
