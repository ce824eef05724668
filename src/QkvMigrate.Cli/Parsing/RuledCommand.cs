using System.CommandLine;

namespace QkvMigrate.Cli.Parsing;

/// <summary>
/// A command with rules on how its options go together. They are asked once every option has been read without a
/// problem: System.CommandLine's own validators run before that, and what they read may not be there.
/// </summary>
internal sealed class RuledCommand(string name, string description) : Command(name, description)
{
    private readonly List<Func<ParseResult, string?>> rules = [];

    /// <summary>Adds a rule, which says what is wrong, or null.</summary>
    public void AddRule(Func<ParseResult, string?> rule) => rules.Add(rule);

    /// <summary>What is wrong with a command line whose options are all sound.</summary>
    public IEnumerable<string> Problems(ParseResult parsed) => rules.Select(rule => rule(parsed)).OfType<string>();
}
