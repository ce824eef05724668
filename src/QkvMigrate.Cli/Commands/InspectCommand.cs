using System.CommandLine;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Migration;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate inspect</c>: what is in a checkpoint, and what an upgrade would do.</summary>
internal sealed class InspectCommand
{
    private readonly Argument<string[]> paths = PathArgument.Create();
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly SelectionOptions selection = new();
    private readonly Option<bool> evidence = new("--evidence") { Description = "Read the attention weights and rank the geometries that they speak for." };
    private readonly GeometryOptions geometry = new();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new InspectCommand();
        var command = new Command("inspect", "Show layout, geometry and tensors of checkpoints, and what an upgrade would change.");
        command.Arguments.Add(options.paths);
        command.Options.Add(options.json);
        command.Options.Add(options.evidence);
        options.selection.AddTo(command);
        options.geometry.AddTo(command);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(quiet: false, verbose: false);
        var reports = new List<CheckpointReport>();
        foreach (var path in parsed.GetValue(paths)!)
        {
            reports.AddRange(PathReports.Collect(path, () => Inspector.Run(path, geometry.Read(parsed), selection.Read(parsed), parsed.GetValue(evidence))));
        }

        if (parsed.GetValue(json))
        {
            JsonReport.Write(Console.Out, reports, withPlan: true, withGlobals: true);
        }
        else
        {
            InspectReport.Write(Console.Out, reports);
        }

        log.Failures(reports);
        WorkflowAnnotations.Write(reports);
        return PathReports.HasFailure(reports) ? ExitCode.Failure : ExitCode.Success;
    }
}
