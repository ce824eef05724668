using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Torch.Benchmarks;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate bench</c>: measures a model with interleaved and with sequential rows on this machine.</summary>
internal sealed class BenchCommand
{
    private static readonly IReadOnlyList<string> Shapes = [.. BenchmarkShapes.All.Select(shape => shape.Name)];

    private readonly Argument<string?> path = TypedArgument.OptionalPath("PATH", "A checkpoint file or directory, whose model_config.yaml says what to measure; its weights are not read.");
    private readonly Option<string?> model = TypedOption.Text("--model", "NAME", $"Measure a built-in shape: {TypedOption.Either(Shapes)}.", TypedOption.Either(Shapes), Shapes.Contains);
    private readonly Option<double?> scale = TypedOption.Number("--scale", "F", "Shrink the model's layers, head size, MLP and vocabulary to this part (1).", "a number greater than 0, up to 1", part => part is > 0 and <= 1);
    private readonly Option<int?> repetitions = TypedOption.Count("--repetitions", "N", "How often to measure each layout (3); the medians count.", least: 1);
    private readonly DeviceOption device = new("Where the model computes.");
    private readonly TorchOptions torch = new();
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new BenchCommand();
        var command = new RuledCommand("bench", "Measure training, generation and memory with interleaved and with sequential rows.");
        command.Arguments.Add(options.path);
        foreach (var option in new Option[] { options.model, options.scale, options.repetitions, options.device.Option, options.json })
        {
            command.Options.Add(option);
        }

        options.torch.AddTo(command);
        command.AddRule(parsed => parsed.GetValue(options.path) is null == parsed.GetValue(options.model) is null ? "give PATH or --model, and one of them only" : null);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = torch.Begin(parsed);
        var whole = parsed.GetValue(model) is { } name ? BenchmarkShapes.Find(name) : CheckpointLocation.Find(parsed.GetValue(path)!).Configuration;
        var part = parsed.GetValue(scale) ?? 1;
        var plan = new LayoutBenchmarkPlan { Configuration = BenchmarkShapes.Scaled(whole, part) };
        plan = plan with { Repetitions = parsed.GetValue(repetitions) ?? plan.Repetitions };
        var comparison = LayoutBenchmark.Run(plan, device.Read(parsed), Signals.Token);
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
