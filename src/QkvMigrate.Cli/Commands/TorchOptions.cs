using System.CommandLine;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options of every command that computes with a model: where PyTorch's libraries are, and whether it says which it took.</summary>
internal sealed class TorchOptions
{
    private readonly LibtorchOption libtorch = new();
    private readonly Option<bool> verbose = new("--verbose", "-v") { Description = "Say which PyTorch is taken, and from where." };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(libtorch.Option);
        command.Options.Add(verbose);
    }

    /// <summary>The log, with the choice of PyTorch in effect.</summary>
    public ConsoleLog Begin(ParseResult parsed)
    {
        var log = new ConsoleLog(quiet: false, parsed.GetValue(verbose));
        libtorch.Choose(parsed, log);
        return log;
    }
}
