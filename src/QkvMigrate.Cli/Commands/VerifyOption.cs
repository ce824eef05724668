using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Verification;

namespace QkvMigrate.Cli.Commands;

/// <summary>How what is written is proven before it gets its name.</summary>
/// <param name="description">What that means for the command.</param>
internal sealed class VerifyOption(string description)
{
    private const string None = "none";
    private const string Quick = "quick";
    private const string Full = "full";

    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = TypedOption.Choice("--verify", description, [None, Quick, Full], Quick);

    /// <summary>What the user said; null for not at all.</summary>
    public VerificationMode? Read(ParseResult parsed) => parsed.GetValue(Option) switch
    {
        None => null,
        Full => VerificationMode.Full,
        _ => VerificationMode.Quick,
    };
}
