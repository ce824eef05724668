using System.CommandLine;
using System.CommandLine.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Benchmarks;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate bench</c>: measures a model with interleaved and with sequential rows on this machine.</summary>
internal sealed class BenchCommand
{
    private readonly Argument<string?> path = new("PATH") { Description = "A checkpoint file or directory, whose model_config.yaml says what to measure; its weights are not read.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> model = new("--model") { Description = $"Measure a built-in shape: {string.Join(" or ", BenchmarkShapes.All.Select(shape => shape.Name))}.", HelpName = "NAME" };
    private readonly Option<double?> scale = new("--scale") { Description = "Shrink the model's layers, head size, MLP and vocabulary to this part (1).", HelpName = "F" };
    private readonly Option<int?> repetitions = new("--repetitions") { Description = "How often to measure each layout (3); the medians count.", HelpName = "N" };
    private readonly Option<string> device = new("--device") { Description = "Where the model computes.", HelpName = "auto|cpu|cuda[:N]", DefaultValueFactory = _ => "auto" };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new BenchCommand();
        var command = new Command("bench", "Measure training, generation and memory with interleaved and with sequential rows.");
        command.Arguments.Add(options.path);
        foreach (var option in new Option[] { options.model, options.scale, options.repetitions, options.device, options.json })
        {
            command.Options.Add(option);
        }

        command.Validators.Add(options.Validate);
        command.SetAction(options.Run);
        return command;
    }

    private void Validate(CommandResult result)
    {
        if (result.GetValue(path) is null == result.GetValue(model) is null)
        {
            result.AddError("give PATH or --model, and one of them only");
        }

        if (result.GetValue(scale) is { } part && !(part > 0 && part <= 1))
        {
            result.AddError("--scale takes a number greater than 0, up to 1");
        }

        if (result.GetValue(repetitions) < 1)
        {
            result.AddError("--repetitions takes a number from 1 on");
        }
    }

    private int Run(ParseResult parsed)
    {
        var whole = parsed.GetValue(model) is { } name ? BenchmarkShapes.Find(name) : CheckpointLocation.Find(parsed.GetValue(path)!).Configuration;
        var part = parsed.GetValue(scale) ?? 1;
        var plan = new LayoutBenchmarkPlan { Configuration = BenchmarkShapes.Scaled(whole, part) };
        plan = plan with { Repetitions = parsed.GetValue(repetitions) ?? plan.Repetitions };
        var comparison = LayoutBenchmark.Run(plan, ReorderDevice.Parse(parsed.GetValue(device)!), Signals.Token);
        if (parsed.GetValue(json))
        {
            JsonBenchmark.Write(Console.Out, comparison, part);
        }
        else
        {
            TextBenchmark.Write(Console.Out, comparison, part);
        }

        return ExitCode.Success;
    }
}
