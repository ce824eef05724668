using System.CommandLine;
using QkvMigrate.Cli.Parsing;

namespace QkvMigrate.Cli.Commands;

/// <summary>What was done to the originals, where the user says it.</summary>
internal sealed class DirectionOption
{
    private const string Upgrade = "upgrade";
    private const string Downgrade = "downgrade";

    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = TypedOption.Choice(
        "--direction",
        "What was done to the original. Without it each file tells by its layout; with it a file of the other direction fails.",
        [Upgrade, Downgrade]);

    /// <summary>What the user said; null for nothing.</summary>
    public MigrationDirection? Read(ParseResult parsed) => parsed.GetValue(Option) switch
    {
        Upgrade => MigrationDirection.Upgrade,
        Downgrade => MigrationDirection.Downgrade,
        _ => null,
    };
}
