using System.CommandLine;
using QkvMigrate.Migration.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Torch;
using QkvMigrate.Torch.Lora;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user chooses what permutes the rows.</summary>
internal sealed class EngineOptions
{
    private readonly Option<string> engine = new("--engine") { Description = "What permutes the rows: TorchSharp, the managed stream engine, or the faster of the two.", HelpName = "auto|torch|stream", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> device = new("--device") { Description = "Where TorchSharp computes.", HelpName = "auto|cpu|cuda[:N]", DefaultValueFactory = _ => "auto" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(engine);
        command.Options.Add(device);
    }

    /// <summary>The engine, made when the first rows have to move.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="isPlanOnly">Whether no row will move, so that nothing needs to be prepared.</param>
    /// <exception cref="MigrationException">The two do not name an engine.</exception>
    public Lazily<IReorderEngine> Read(ParseResult parsed, bool isPlanOnly)
    {
        var choice = ReorderEngineChoice.Parse(parsed.GetValue(engine)!, parsed.GetValue(device)!);
        if (!isPlanOnly)
        {
            ReorderEngines.Prepare(choice);
        }

        return new Lazily<IReorderEngine>(() => ReorderEngines.Create(choice));
    }

    /// <summary>What adds a LoRA to its base, TorchSharp on the same device whatever permutes the rows; made when the first weight is merged.</summary>
    /// <exception cref="MigrationException">The device is none.</exception>
    public Lazily<ILowRankUpdater> ReadUpdater(ParseResult parsed)
    {
        var where = ReorderDevice.Parse(parsed.GetValue(device)!);
        return new Lazily<ILowRankUpdater>(() => TorchLowRankUpdater.Create(where));
    }
}
