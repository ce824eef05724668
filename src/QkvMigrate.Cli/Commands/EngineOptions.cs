using System.CommandLine;
using QkvMigrate.Reordering;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user chooses what permutes the rows.</summary>
internal sealed class EngineOptions
{
    private readonly Option<string> engine = new("--engine") { Description = "What permutes the rows.", HelpName = "auto|stream", DefaultValueFactory = _ => "auto" };

    public EngineOptions() => engine.AcceptOnlyFromAmong("auto", "stream");

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command) => command.Options.Add(engine);

    /// <summary>The engine, made when the first rows have to move.</summary>
    public static LazyEngine Read() => new(() => new StreamReorderEngine());
}
