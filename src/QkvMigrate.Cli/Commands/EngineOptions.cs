using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Torch;
using QkvMigrate.Torch.Lora;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user chooses what permutes the rows.</summary>
internal sealed class EngineOptions
{
    private readonly Option<string?> engine = TypedOption.Choice(
        "--engine",
        "What permutes the rows: TorchSharp, the managed stream engine, or the faster of the two.",
        ["auto", "torch", "stream"],
        "auto");
    private readonly DeviceOption device = new("Where TorchSharp computes.");
    private readonly LibtorchOption libtorch = new();

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(RuledCommand command)
    {
        command.Options.Add(engine);
        command.Options.Add(device.Option);
        command.Options.Add(libtorch.Option);
        command.AddRule(Problem);
    }

    /// <inheritdoc cref="LibtorchOption.Choose"/>
    public void Choose(ParseResult parsed, ConsoleLog log) => libtorch.Choose(parsed, log);

    /// <summary>Makes the engine, which loads its libraries: to be asked when the first rows have to move. The log's details say which it is and why.</summary>
    public Func<IReorderEngine> Read(ParseResult parsed, ConsoleLog log)
    {
        var choice = Choice(parsed);
        return () =>
        {
            var (engine, reason) = ReorderEngines.Choose(choice);
            log.Detail($"rows are moved by the engine {engine.Name} on {engine.Device} ({reason})");
            return engine;
        };
    }

    /// <summary>Makes what adds a LoRA to its base, TorchSharp on the same device whatever permutes the rows.</summary>
    public Func<ILowRankUpdater> ReadUpdater(ParseResult parsed)
    {
        var where = device.Read(parsed);
        return () => TorchLowRankUpdater.Create(where);
    }

    private ReorderEngineChoice Choice(ParseResult parsed) => ReorderEngineChoice.Parse(parsed.GetValue(engine)!, parsed.GetValue(device.Option)!);

    private string? Problem(ParseResult parsed)
    {
        try
        {
            Choice(parsed);
            return null;
        }
        catch (MigrationException error)
        {
            return error.Message;
        }
    }
}
