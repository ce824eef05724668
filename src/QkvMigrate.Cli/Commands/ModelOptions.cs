using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user chooses where a model computes and in what.</summary>
internal sealed class ModelOptions
{
    private const string AsStored = "stored";

    private readonly DeviceOption device = new("Where the model computes.");
    private readonly Option<string?> dtype = TypedOption.Choice(
        "--dtype",
        "What the model computes in: float32, or the type that the checkpoint stores.",
        ["float32", AsStored],
        "float32");
    private readonly TorchOptions torch = new();

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(device.Option);
        command.Options.Add(dtype);
        torch.AddTo(command);
    }

    /// <inheritdoc cref="TorchOptions.Begin"/>
    public ConsoleLog Begin(ParseResult parsed) => torch.Begin(parsed);

    /// <summary>Where the model computes.</summary>
    public ComputeDevice Device(ParseResult parsed) => device.Read(parsed);

    /// <summary>What it computes in.</summary>
    public ModelPrecision Precision(ParseResult parsed) => parsed.GetValue(dtype) == AsStored ? ModelPrecision.AsStored : ModelPrecision.Full;
}
