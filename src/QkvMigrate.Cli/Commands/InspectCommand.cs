using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Progress;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Cli.Rendering.Html;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate inspect</c>: what is in a checkpoint, and what an upgrade would do.</summary>
internal sealed class InspectCommand
{
    private readonly Argument<string[]> paths = TypedArgument.Paths("PATH", MigrateCommand.PathDescription);
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly Option<string?> html = TypedOption.PathTo(
        "--html",
        "FILE",
        "Write a page as well, with pictures of the norms of all heads. An existing FILE is refused.");
    private readonly Option<bool> force = new("--force") { Description = "Replace an existing FILE of --html; never a checkpoint." };
    private readonly SelectionOptions selection = new();
    private readonly Option<bool> evidence = new("--evidence") { Description = "Read the attention weights and rank the geometries that they speak for." };
    private readonly GeometryArguments geometry = new();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new InspectCommand();
        var command = new RuledCommand("inspect", "Show layout, geometry and tensors of checkpoints, and what an upgrade would change.");
        command.Arguments.Add(options.paths);
        command.Options.Add(options.json);
        command.Options.Add(options.html);
        command.Options.Add(options.force);
        command.Options.Add(options.evidence);
        options.selection.AddTo(command);
        options.geometry.AddTo(command);
        command.AddRule(parsed => parsed.GetValue(options.force) && parsed.GetValue(options.html) is null ? "--force goes with --html" : null);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(quiet: false, verbose: false);
        using var page = parsed.GetValue(html) is { } file ? InspectPage.Create(file, parsed.GetValue(force)) : null;
        var reports = new List<CheckpointReport>();
        foreach (var path in parsed.GetValue(paths)!)
        {
            reports.AddRange(
                PathReports.Collect(path, () => Inspector.Run(path, geometry.Read(parsed), selection.Read(parsed), parsed.GetValue(evidence), Signals.Token)));
        }

        if (parsed.GetValue(json))
        {
            JsonReport.Write(Console.Out, reports, withPlan: true, withGlobals: true);
        }
        else if (Terminal.IsOutput)
        {
            TerminalInspectReport.Write(Terminal.Open(Console.Out), reports);
        }
        else
        {
            using var lines = new PrintableWriter(Console.Out, width: null);
            InspectReport.Write(lines, reports);
        }

        log.Failures(reports);
        if (page is not null)
        {
            using var progress = ProgressDisplays.Start(log, quiet: false);
            page.Write(reports, progress, Signals.Token);
        }

        WorkflowAnnotations.Write(reports);
        return PathReports.HasFailure(reports) ? ExitCode.Failure : ExitCode.Success;
    }
}
