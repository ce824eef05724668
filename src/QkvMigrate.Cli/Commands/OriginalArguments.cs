using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Running.Originals;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options that stand for an original which is not there any more.</summary>
internal sealed class OriginalArguments
{
    private const string Single = "--original-sha256";
    private const string List = "--original-sha256sums";

    private readonly Option<string?> digest = TypedOption.Text(
        Single,
        "HEX",
        "In place of ORIGINAL: its SHA-256. Its bytes are made again from the file that is named, into a hash; nothing is written.",
        "64 hexadecimal digits",
        OriginalChecksums.IsDigest);
    private readonly Option<string?> list = TypedOption.PathTo(
        List,
        "FILE",
        "The same for a directory or a tree: a list as sha256sum writes it, with names relative to the directory.");

    /// <summary>Adds the options, and the rules on how they go with the two paths.</summary>
    /// <param name="command">The command.</param>
    /// <param name="second">The second path.</param>
    /// <param name="needsOriginal">What goes with an original that is there, and whether it was given.</param>
    public void AddTo(RuledCommand command, Argument<string?> second, params (string Name, Func<ParseResult, bool> IsGiven)[] needsOriginal)
    {
        command.Options.Add(digest);
        command.Options.Add(list);
        command.AddRule(parsed => parsed.GetValue(digest) is not null && parsed.GetValue(list) is not null ? $"{Single} and {List} exclude each other" : null);
        command.AddRule(parsed => (Given(parsed), parsed.GetValue(second)) switch
        {
            ({ } option, not null) => $"{option} stands in place of ORIGINAL, so one path goes with it",
            (null, null) => $"no UPGRADED; {Single} or {List} stands in place of an ORIGINAL that is not there",
            _ => null,
        });
        foreach (var (name, isGiven) in needsOriginal)
        {
            command.AddRule(parsed => Given(parsed) is { } option && isGiven(parsed) ? $"{name} needs the original, and {option} stands in its place" : null);
        }
    }

    /// <summary>The checksums that the user gave, or null for none.</summary>
    /// <exception cref="MigrationException">The list cannot be read.</exception>
    public OriginalChecksums? Read(ParseResult parsed) => parsed.GetValue(digest) is { } single ? OriginalChecksums.Of(single)
        : parsed.GetValue(list) is { } file ? OriginalChecksums.Read(file)
        : null;

    private string? Given(ParseResult parsed) => parsed.GetValue(digest) is not null ? Single : parsed.GetValue(list) is not null ? List : null;
}
