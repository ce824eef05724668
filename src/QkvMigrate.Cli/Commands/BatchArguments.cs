using System.CommandLine;
using QkvMigrate.Migration.Batches;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user says how many checkpoints are gone through.</summary>
internal sealed class BatchArguments
{
    private readonly SelectionOptions selection = new();
    private readonly Option<int> jobs = new("--jobs", "-j") { Description = "Work on N directories or files at a time.", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<string?> shard = new("--shard") { Description = "Do the I-th of N parts of the work, counted from 1. The parts are about even by bytes, and each run deals the same.", HelpName = "I/N" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        selection.AddTo(command);
        command.Options.Add(jobs);
        command.Options.Add(shard);
        jobs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--jobs takes a number from 1 on");
            }
        });
        shard.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !Shard.TryParse(text, out _))
            {
                result.AddError($"--shard {text}: expected I/N with I from 1 to N, such as 1/8 to 8/8");
            }
        });
    }

    /// <summary>What the user said.</summary>
    public BatchOptions Read(ParseResult parsed) => new()
    {
        Selection = selection.Read(parsed),
        Jobs = parsed.GetValue(jobs),
        Shard = parsed.GetValue(shard) is { } text && Shard.TryParse(text, out var part) ? part : null,
    };
}
