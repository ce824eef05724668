using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Cli.Rendering;
using QkvMigrate.Torch.Benchmarks;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>qkvmigrate bench</c>: measures a model with interleaved and with sequential rows on this machine.</summary>
internal sealed class BenchCommand
{
    private const string BFloat16 = "bfloat16";

    private static readonly IReadOnlyList<string> Shapes = [.. BenchmarkShapes.All.Select(shape => shape.Name)];

    private readonly Argument<string?> path = TypedArgument.OptionalPath(
        "PATH",
        "A checkpoint file or directory, whose model_config.yaml says what to measure; its weights are not read.");
    private readonly Option<string?> model = TypedOption.Text(
        "--model",
        "NAME",
        $"Measure a built-in shape: {TypedOption.Either(Shapes)}.",
        TypedOption.Either(Shapes),
        Shapes.Contains);

    private readonly Option<double?> scale = TypedOption.Number(
        "--scale",
        "F",
        "Shrink the model's layers, head size, MLP and vocabulary to this part (1).",
        "a number greater than 0, up to 1",
        part => part is > 0 and <= 1);

    private readonly Option<int?> repetitions = TypedOption.Count("--repetitions", "N", "How often to measure each layout (3); the medians count.", least: 1);
    private readonly Option<string?> dtype = TypedOption.Choice(
        "--dtype", "What the model computes in; its parameters and the optimizer are of this type too.", ["float32", BFloat16], "float32");

    private readonly Option<int?> sequenceLength = TypedOption.Count(
        "--sequence-length", "N", "Tokens of a training sequence (256, or what the model's block size leaves).", least: 1);

    private readonly Option<int?> promptLength = TypedOption.Count(
        "--prompt-length", "N", "Tokens of the prompt (64, or what the block size leaves).", least: 1);

    private readonly Option<int?> newTokens = TypedOption.Count(
        "--max-new-tokens", "N", "Tokens behind the prompt (64, or what the block size leaves).", least: 1);

    private readonly DeviceOption device = new("Where the model computes.");
    private readonly TorchOptions torch = new();
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON document on standard output." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var options = new BenchCommand();
        var command = new RuledCommand("bench", "Measure training, generation and memory with interleaved and with sequential rows.");
        command.Arguments.Add(options.path);
        Option[] all =
        [
            options.model, options.scale, options.repetitions, options.sequenceLength, options.promptLength, options.newTokens,
            options.dtype, options.device.Option, options.json,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        options.torch.AddTo(command);
        command.AddRule(
            parsed => parsed.GetValue(options.path) is null == parsed.GetValue(options.model) is null ? "give PATH or --model, and one of them only" : null);
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        using var log = torch.Begin(parsed);
        var whole = parsed.GetValue(model) is { } name ? BenchmarkShapes.Find(name) : CheckpointLocation.Find(parsed.GetValue(path)!).Configuration;
        var part = parsed.GetValue(scale) ?? 1;
        var plan = new LayoutBenchmarkPlan
        {
            Configuration = BenchmarkShapes.Scaled(whole, part),
            Lengths = new BenchmarkLengths(parsed.GetValue(sequenceLength), parsed.GetValue(promptLength), parsed.GetValue(newTokens)),
            Precision = parsed.GetValue(dtype) == BFloat16 ? BenchmarkPrecision.BFloat16 : BenchmarkPrecision.Full,
        };
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
