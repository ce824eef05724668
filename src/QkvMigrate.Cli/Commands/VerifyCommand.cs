using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Optimizers;
using QkvMigrate.Running.Originals;
using QkvMigrate.Torch.Verification;
using QkvMigrate.Verification;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate verify</c>: proves from the files alone that one is the upgrade, downgrade or export of the other, and nothing else.</summary>
internal sealed class VerifyCommand
{
    private readonly Argument<string> original = TypedArgument.OnePath(
        "ORIGINAL",
        "A checkpoint file, a checkpoint directory, or a tree of them. Where a checksum stands in its place, UPGRADED alone.");
    private readonly Argument<string?> upgraded = TypedArgument.OptionalPath("UPGRADED", "What an upgrade, a downgrade or an export made of it.");
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };
    private readonly Option<bool> forward = new("--forward")
    {
        Description = "Also send the same tokens through the original in its model and through the other file in the other model, and compare what they say.",
    };
    private readonly Option<bool> dropOptimizer = new("--drop-optimizer")
    {
        Description = "The second file was made with --drop-optimizer: the state of every optimizer must be left out, and nothing else.",
    };
    private readonly OptimizerOrderOption optimizerOrder = new();
    private readonly Option<bool> dropUnreferenced = new("--drop-unreferenced")
    {
        Description = "The second file was made with --drop-unreferenced: storages that nothing names must be left out, and no others.",
    };
    private readonly OriginalArguments checksums = new();
    private readonly DirectionOption direction = new();
    private readonly SelectionOptions selection = new();
    private readonly GeometryArguments geometry = new();
    private readonly ModelOptions model = new();
    private readonly LoraArguments lora = LoraArguments.OfMerged();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new VerifyCommand();
        var command = new RuledCommand("verify", "Prove that an upgraded or exported checkpoint is what its original makes it, and say what that covered.");
        command.Arguments.Add(options.original);
        command.Arguments.Add(options.upgraded);
        command.Options.Add(options.json);
        command.Options.Add(options.forward);
        command.Options.Add(options.dropUnreferenced);
        options.checksums.AddTo(
            command,
            options.upgraded,
            (options.forward.Name, parsed => parsed.GetValue(options.forward)),
            (options.dropUnreferenced.Name, parsed => parsed.GetValue(options.dropUnreferenced)),
            (options.dropOptimizer.Name, parsed => parsed.GetValue(options.dropOptimizer)),
            ("--lora merge", parsed => options.lora.Read(parsed).Treatment == LoraTreatment.Merge));
        command.Options.Add(options.direction.Option);
        command.Options.Add(options.dropOptimizer);
        command.Options.Add(options.optimizerOrder.Option);
        options.selection.AddTo(command);
        options.geometry.AddTo(command);
        options.model.AddTo(command);
        options.lora.AddTo(command);
        command.AddRule(parsed => parsed.GetValue(options.forward) && options.lora.Read(parsed).Treatment == LoraTreatment.Merge
            ? "--forward and --lora merge do not go together: a LoRA alone is no model that says something"
            : null);
        command.AddRule(parsed => options.direction.Read(parsed) == MigrationDirection.Downgrade && options.lora.Read(parsed).Treatment == LoraTreatment.Merge
            ? "--direction downgrade and --lora merge do not go together: a merge is an upgrade"
            : null);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        if (checksums.Read(parsed) is { } known)
        {
            return Prove(parsed, known);
        }

        using var log = model.Begin(parsed);
        var (before, after) = (parsed.GetValue(original)!, parsed.GetValue(upgraded)!);
        var options = new VerificationOptions
        {
            Selection = selection.Read(parsed),
            Geometry = geometry.Read(parsed),
            Direction = direction.Read(parsed),
            IsWithoutUnreferenced = parsed.GetValue(dropUnreferenced),
            Merge = lora.Read(parsed) is { Treatment: LoraTreatment.Merge } said
                ? new MergeOptions { Base = said.Base, Alpha = said.Alpha, Rank = said.Rank, IsBefore900 = said.IsBefore900 }
                : null,
            IsWithoutOptimizer = parsed.GetValue(dropOptimizer),
            IsOptimizerInModelOrder = optimizerOrder.Read(parsed) == OptimizerOrder.Model,
        };
        var reports = PathVerifier.Run(before, after, options, Signals.Token);
        var models = parsed.GetValue(forward) ? ForwardCheck.Run(before, after, model.Precision(parsed), model.Device(parsed), Signals.Token) : null;
        if (parsed.GetValue(json))
        {
            JsonVerification.Write(Console.Out, reports, models);
        }
        else
        {
            VerificationText.Write(Console.Out, reports, models);
        }

        log.Failures(reports.Select(report => report.Error).OfType<MigrationException>());
        WorkflowAnnotations.Write(reports);
        return reports.All(report => report.IsVerified) && (models is null || models.IsSame) ? ExitCode.Success : ExitCode.Failure;
    }

    private int Prove(ParseResult parsed, OriginalChecksums known)
    {
        using var log = new ConsoleLog(quiet: false, verbose: false);
        var proof = OriginalProver.Run(
            new OriginalRequest
            {
                Path = parsed.GetValue(original)!,
                Checksums = known,
                Direction = direction.Read(parsed),
                Geometry = geometry.Read(parsed),
                Selection = selection.Read(parsed),
            },
            Signals.Token);
        if (parsed.GetValue(json))
        {
            JsonOriginals.Write(Console.Out, proof);
        }
        else
        {
            OriginalText.Write(Console.Out, proof);
        }

        log.Failures(proof.Reports.Select(report => report.Error).OfType<MigrationException>());
        WorkflowAnnotations.Write(proof);
        return proof.IsVerified ? ExitCode.Success : ExitCode.Failure;
    }
}
