using System.CommandLine;
using QkvMigrate.Checkpoints;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Progress;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Exporting;
using QkvMigrate.Geometry;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate export</c>: writes the model of a LitGPT checkpoint, legacy or upgraded, as Hugging Face's libraries load it.</summary>
internal sealed class ExportCommand
{
    private const string AsStored = "stored";

    private readonly Argument<string> path = TypedArgument.OnePath("PATH", "A checkpoint file, a checkpoint directory, or a tree of them.");
    private readonly Option<string?> output = TypedOption.PathTo("--output", "DIR", "The directory that is written; a tree is mirrored in it.", "-o");
    private readonly Option<string?> size = TypedOption.Text(
        "--max-shard-size",
        "SIZE",
        "Cut the weights into files of at most SIZE: 5GB, 5GiB, 200MB (5GB).",
        ByteCount.Expected,
        text => ByteCount.TryParse(text, out _)).WithDefault("5GB");
    private readonly Option<string?> dtype = TypedOption.Choice(
        "--dtype",
        "The element type of the weights: as each is stored, or converted, rounded to the nearest.",
        [AsStored, .. ExportOptions.DTypes],
        AsStored);
    private readonly Option<string?> configuration = TypedOption.PathTo(
        "--config",
        "FILE",
        "LitGPT's model_config.yaml or lit_config.json, where it is not beside the checkpoint.");
    private readonly LoraFacts lora = new();
    private readonly VerifyOption verify = new(
        "Prove the folder before it gets its name: names, headers, index, config.json and a sample of rows, or every byte.");
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Show what would be done, and do nothing." };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly Option<bool> force = new("--force") { Description = "Replace an existing output." };
    private readonly Option<bool> quiet = new("--quiet", "-q") { Description = "Print errors only." };
    private readonly Option<bool> verbose = new("--verbose", "-v") { Description = "Print each file." };
    private readonly Option<bool> allowUnsafePickle = new("--allow-unsafe-pickle")
    {
        Description = "Go on where loading the file in PyTorch can run code. Here nothing of it is run.",
    };
    private readonly BatchArguments batch = new();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new ExportCommand();
        var command = new RuledCommand(
            "export",
            "Write a model, legacy or upgraded, as a folder that Hugging Face's from_pretrained loads, or a LoRA as PEFT's.");
        command.Arguments.Add(options.path);
        Option[] all =
        [
            options.output, options.size, options.dtype, options.configuration, options.lora.Era, options.lora.Alpha,
            options.verify.Option, options.dryRun,
            options.json, options.force, options.quiet, options.verbose, options.allowUnsafePickle,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        options.batch.AddTo(command);
        command.AddRule(parsed => parsed.GetValue(options.output) is null ? "name the directory to write with --output" : null);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(parsed.GetValue(quiet), parsed.GetValue(verbose));
        var reports = Export(parsed, log);
        if (parsed.GetValue(json))
        {
            JsonReport.Write(Console.Out, reports, withPlan: false);
        }
        else if (!parsed.GetValue(quiet))
        {
            using var lines = new PrintableWriter(Console.Out, Terminal.OutputWidth);
            TextReport.Write(lines, reports, parsed.GetValue(dryRun) || parsed.GetValue(verbose));
            BatchSummary.Write(lines, reports);
        }

        log.Failures(reports);
        WorkflowAnnotations.Write(reports);
        return Signals.Token.IsCancellationRequested ? Signals.ExitCode
            : PathReports.HasFailure(reports) ? ExitCode.Failure
            : ExitCode.Success;
    }

    /// <summary>Exports. The progress is off the terminal when this returns, so that reports can be printed.</summary>
    private IReadOnlyList<CheckpointReport> Export(ParseResult parsed, ConsoleLog log)
    {
        using var progress = ProgressDisplays.Start(log, parsed.GetValue(quiet));
        var request = new MigrationRequest
        {
            Path = parsed.GetValue(path)!,
            Direction = MigrationDirection.Upgrade,
            Geometry = new GeometryFlags(ConfigPath: parsed.GetValue(configuration)),
            Output = parsed.GetValue(output),
            Export = new ExportOptions
            {
                MaximumShardBytes = ByteCount.Parse(parsed.GetValue(size)!),
                DType = parsed.GetValue(dtype) is { } name and not AsStored ? DType.ByName(name) : null,
            },
            DryRun = parsed.GetValue(dryRun),
            Force = parsed.GetValue(force),
            Lora = lora.Read(parsed),
            Verification = verify.Read(parsed),
            AllowUnsafePickle = parsed.GetValue(allowUnsafePickle),
            Engine = () => throw new InvalidOperationException("an export reorders nothing"),
            Progress = progress,
        };
        return Migrator.Run([request], batch.Read(parsed) with { Observer = progress }, Signals.Token);
    }
}
