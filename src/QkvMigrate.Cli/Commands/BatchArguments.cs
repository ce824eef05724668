using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Running.Batches;
using QkvMigrate.Trees;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options that say which checkpoints of a tree are worked on, how many at a time, and which part of them.</summary>
internal sealed class BatchArguments
{
    private readonly SelectionOptions selection = new();
    private readonly Option<int?> jobs = TypedOption.Count("--jobs", "N", "Work on N directories or files at a time.", least: 1, "-j").WithDefault(1);
    private readonly Option<WorkPart?> part = TypedOption.Of<WorkPart>(
        "--shard",
        "I/N",
        "Do the I-th of N parts of the work, counted from 1. The parts are about even by bytes, and each run deals the same.",
        "I/N with I from 1 to N, such as 1/8 to 8/8",
        WorkPart.TryParse);

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        selection.AddTo(command);
        command.Options.Add(jobs);
        command.Options.Add(part);
    }

    /// <summary>What the user said.</summary>
    public BatchOptions Read(ParseResult parsed) => new()
    {
        Selection = selection.Read(parsed),
        Jobs = parsed.GetValue(jobs)!.Value,
        Part = parsed.GetValue(part),
    };
}
