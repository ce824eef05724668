using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Reordering;

namespace QkvMigrate.Cli.Commands;

/// <summary><c>--device</c>: where something is computed.</summary>
/// <param name="description">The help text.</param>
internal sealed class DeviceOption(string description)
{
    /// <summary>The option itself.</summary>
    public Option<string?> Option { get; } = TypedOption
        .Text(
            "--device",
            "auto|cpu|cuda[:N]",
            description,
            $"auto, cpu, cuda, or cuda:N with N from 0 to {ComputeDevice.LargestIndex}",
            text => ComputeDevice.TryParse(text, out _))
        .WithDefault("auto");

    /// <summary>The device.</summary>
    public ComputeDevice Read(ParseResult parsed) => ComputeDevice.Parse(parsed.GetValue(Option)!);
}
