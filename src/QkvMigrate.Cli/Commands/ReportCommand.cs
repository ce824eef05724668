using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate report</c>: what became of a tree, joined from all runs and parts that wrote into one output.</summary>
internal sealed class ReportCommand
{
    private readonly Argument<string> output = TypedArgument.OnePath("OUT", "The output of an upgrade or downgrade of a tree.");
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new ReportCommand();
        var command = new Command(
            "report",
            "Join the reports of all runs and shards that wrote into one output; exits 1 where something failed or is left to do.");
        command.Arguments.Add(options.output);
        command.Options.Add(options.json);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(quiet: false, verbose: false);
        var reports = BatchReport.Read(parsed.GetValue(output)!);
        if (parsed.GetValue(json))
        {
            JsonReport.Write(Console.Out, reports, withPlan: false);
        }
        else
        {
            using var lines = new PrintableWriter(Console.Out, Terminal.OutputWidth);
            TextReport.Write(lines, reports, withPlan: false);
            BatchSummary.Write(lines, reports);
        }

        log.Failures(reports);
        WorkflowAnnotations.Write(reports);
        return PathReports.HasFailure(reports) || reports.Any(report => report.Status == CheckpointStatus.Pending) ? ExitCode.Failure : ExitCode.Success;
    }
}
