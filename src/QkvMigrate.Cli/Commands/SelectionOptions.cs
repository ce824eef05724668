using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Folders;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user chooses checkpoints of a tree.</summary>
internal sealed class SelectionOptions
{
    private readonly Option<string[]?> include = Globs(
        "--include",
        "Of a directory, work on the checkpoint files alone whose path below it fits: '*.pth', 'pythia-*', 'runs/**/lit_model.pth'. May be given again.");
    private readonly Option<string[]?> exclude = Globs("--exclude", "Leave out the checkpoint files whose path fits. May be given again.");

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(include);
        command.Options.Add(exclude);
    }

    /// <summary>What the user said.</summary>
    public CheckpointSelection Read(ParseResult parsed) => new(parsed.GetValue(include) ?? [], parsed.GetValue(exclude) ?? []);

    private static Option<string[]?> Globs(string name, string description) =>
        TypedOption.Many<string>(name, "GLOB", description, "a pattern of a path below the directory, without '..'", Words.That(CheckpointSelection.IsPattern));
}
