using System.CommandLine;
using QkvMigrate.Reordering;
using QkvMigrate.Torch.Model;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user chooses where a model computes and in what.</summary>
internal sealed class ModelOptions
{
    private const string AsStored = "stored";

    private readonly Option<string> device = new("--device") { Description = "Where the model computes.", HelpName = "auto|cpu|cuda[:N]", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> dtype = new("--dtype") { Description = "What the model computes in: float32, or the type that the checkpoint stores.", HelpName = $"float32|{AsStored}", DefaultValueFactory = _ => "float32" };

    public ModelOptions() => dtype.AcceptOnlyFromAmong("float32", AsStored);

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(device);
        command.Options.Add(dtype);
    }

    /// <summary>Where the model computes.</summary>
    /// <exception cref="MigrationException">The device is none.</exception>
    public ReorderDevice Device(ParseResult parsed) => ReorderDevice.Parse(parsed.GetValue(device)!);

    /// <summary>What it computes in.</summary>
    public ModelPrecision Precision(ParseResult parsed) => parsed.GetValue(dtype) == AsStored ? ModelPrecision.AsStored : ModelPrecision.Full;
}
