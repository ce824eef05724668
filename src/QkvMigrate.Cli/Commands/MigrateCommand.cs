using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Progress;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate upgrade</c> and its inverse, <c>qkvmigrate downgrade</c>: the same command in two directions.</summary>
internal sealed class MigrateCommand
{
    /// <summary>What PATH is to <c>inspect</c>, <c>upgrade</c> and <c>downgrade</c>.</summary>
    public const string PathDescription = "Checkpoint files, checkpoint directories, or directories of them.";

    private readonly MigrationDirection direction;
    private readonly Argument<string[]> paths = TypedArgument.Paths("PATH", PathDescription);
    private readonly Option<string?> output = TypedOption.PathTo(
        "--output",
        "PATH",
        "Where the result goes; NAME-qkv beside the source where this is not given.",
        "-o");
    private readonly Option<bool> inPlace = new("--in-place") { Description = "Replace the source." };
    private readonly Option<bool> journal = new("--journal")
    {
        Description = "With --in-place: change only the bytes that differ, in the file itself, with a journal beside it; for disks without space for a copy.",
    };
    private readonly Option<string?> backup = TypedOption.Text(
        "--backup",
        "SUFFIX",
        "With --in-place: keep the old file under its name plus SUFFIX.",
        "the end of a file's name, without '/'",
        PathText.IsSuffix);
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Show what would be done, and do nothing." };
    private readonly Option<bool> check = new("--check") { Description = "Do nothing, and exit with 3 where there is something to do." };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly Option<bool> force = new("--force") { Description = "Replace an existing output." };
    private readonly VerifyOption verify = new("Prove the new file before it gets its name: names, pickle, headers and a sample of rows, or every byte.");
    private readonly Option<bool> quiet = new("--quiet", "-q") { Description = "Print errors only." };
    private readonly Option<bool> verbose = new("--verbose", "-v") { Description = "Print each tensor, and which engine and PyTorch are taken." };
    private readonly Option<bool> allowUnsafePickle = new("--allow-unsafe-pickle")
    {
        Description = "Go on where loading the file in PyTorch can run code. Here nothing of it is run.",
    };
    private readonly Option<bool> dropOptimizer = new("--drop-optimizer") { Description = "Leave the state of optimizers out of the new file." };
    private readonly OptimizerOrderOption optimizerOrder = new();
    private readonly Option<bool> dropUnreferenced = new("--drop-unreferenced")
    {
        Description = "Leave storages that nothing in the file names out of the new file.",
    };
    private readonly Option<bool> strictEvidence = new("--strict-evidence")
    {
        Description = "Refuse where the weights clearly speak against the geometry, instead of warning.",
    };
    private readonly BatchArguments batch = new();
    private readonly GeometryArguments geometry = new();
    private readonly LoraArguments lora;
    private readonly EngineOptions engine = new();

    private MigrateCommand(MigrationDirection direction)
    {
        this.direction = direction;
        lora = new LoraArguments(direction);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(MigrationDirection direction)
    {
        var options = new MigrateCommand(direction);
        var command = direction == MigrationDirection.Upgrade
            ? new RuledCommand("upgrade", "Rewrite legacy checkpoints: rows from interleaved to sequential, names from attn.attn to attn.qkv.")
            : new RuledCommand("downgrade", "The inverse of upgrade, for LitGPT before 0.5.4.");
        command.Arguments.Add(options.paths);
        Option[] all =
        [
            options.output, options.inPlace, options.journal, options.backup, options.dryRun, options.check,
            options.json, options.force, options.verify.Option, options.quiet, options.verbose,
            options.dropOptimizer, options.optimizerOrder.Option, options.dropUnreferenced, options.allowUnsafePickle, options.strictEvidence,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        options.batch.AddTo(command);
        options.geometry.AddTo(command);
        options.lora.AddTo(command);
        options.engine.AddTo(command);
        command.AddRule(
            parsed => parsed.GetValue(options.inPlace) && parsed.GetValue(options.output) is not null ? "--output and --in-place exclude each other" : null);
        command.AddRule(parsed => !parsed.GetValue(options.inPlace) && parsed.GetValue(options.backup) is not null ? "--backup goes with --in-place" : null);
        command.AddRule(options.JournalRule);
        command.AddRule(
            parsed => parsed.GetValue(options.output) is not null && parsed.GetValue(options.paths) is { Length: > 1 } ? "--output goes with one PATH" : null);
        command.SetAction(options.Run);
        return command;
    }

    /// <summary>What changes a file in its place keeps nothing of the old one and leaves nothing out.</summary>
    private string? JournalRule(ParseResult parsed) =>
        !parsed.GetValue(journal) ? null
        : !parsed.GetValue(inPlace) ? "--journal goes with --in-place"
        : parsed.GetValue(backup) is not null ? "--journal and --backup exclude each other: there is no second file"
        : parsed.GetValue(dropOptimizer) || parsed.GetValue(dropUnreferenced) ? "--journal leaves nothing out of a file: --drop-optimizer and --drop-unreferenced go without it"
        : null;

    private int Run(ParseResult parsed)
    {
        using var log = new ConsoleLog(parsed.GetValue(quiet), parsed.GetValue(verbose));
        engine.Choose(parsed, log);
        var withPlan = parsed.GetValue(dryRun) || parsed.GetValue(verbose);
        var reports = Migrate(parsed, log, keepPlans: withPlan);
        if (parsed.GetValue(json))
        {
            JsonReport.Write(Console.Out, reports, withPlan);
        }
        else if (!parsed.GetValue(quiet))
        {
            using var lines = new PrintableWriter(Console.Out, Terminal.OutputWidth);
            TextReport.Write(lines, reports, withPlan);
            if (!withPlan)
            {
                TextReport.WriteGeneralAdvice(lines, reports);
            }

            BatchSummary.Write(lines, reports);
        }

        log.Failures(reports);
        WorkflowAnnotations.Write(reports, withLegacy: parsed.GetValue(check));
        return Signals.Token.IsCancellationRequested ? Signals.ExitCode
            : PathReports.HasFailure(reports) ? ExitCode.Failure
            : parsed.GetValue(check) && reports.Any(report => report.Status == CheckpointStatus.Planned) ? ExitCode.LegacyFound
            : ExitCode.Success;
    }

    /// <summary>Migrates all paths. The progress is off the terminal when this returns, so that reports can be printed.</summary>
    private IReadOnlyList<CheckpointReport> Migrate(ParseResult parsed, ConsoleLog log, bool keepPlans)
    {
        var isPlanOnly = parsed.GetValue(dryRun) || parsed.GetValue(check);
        using var progress = ProgressDisplays.Start(log, parsed.GetValue(quiet));
        var requests = parsed.GetValue(paths)!.Select(path => new MigrationRequest
        {
            Path = path,
            Direction = direction,
            Geometry = geometry.Read(parsed),
            Lora = lora.Read(parsed),
            Output = parsed.GetValue(output),
            InPlace = parsed.GetValue(inPlace),
            Journal = parsed.GetValue(journal),
            BackupSuffix = parsed.GetValue(backup),
            DryRun = isPlanOnly,
            Force = parsed.GetValue(force) || parsed.GetValue(check),
            DropOptimizer = parsed.GetValue(dropOptimizer),
            OptimizerOrder = optimizerOrder.Read(parsed),
            DropUnreferenced = parsed.GetValue(dropUnreferenced),
            AllowUnsafePickle = parsed.GetValue(allowUnsafePickle),
            StrictEvidence = parsed.GetValue(strictEvidence),
            Verification = verify.Read(parsed),
            Engine = engine.Read(parsed, log),
            LowRankUpdater = engine.ReadUpdater(parsed),
            Progress = progress,
        });
        return Migrator.Run(requests, batch.Read(parsed) with { KeepPlans = keepPlans, Observer = progress }, Signals.Token);
    }
}
