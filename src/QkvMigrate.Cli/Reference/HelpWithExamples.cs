using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace QkvMigrate.Cli.Reference;

/// <summary><c>--help</c>: what System.CommandLine says of a command, and its examples behind it.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    /// <summary>Columns below which System.CommandLine has no place for its two columns: it breaks lines for ever, or crashes.</summary>
    private const int SmallestWidth = 40;

    private readonly HelpAction help;

    private HelpWithExamples(HelpAction help)
    {
        this.help = help;
        help.MaxWidth = Math.Max(help.MaxWidth, SmallestWidth);
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => help.ClearsParseErrors;

    /// <summary>Puts the examples behind the help of <paramref name="root"/> and of all its commands.</summary>
    public static void AddTo(RootCommand root)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new HelpWithExamples((HelpAction)option.Action!);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var result = help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        var examples = CommandExamples.Of(parseResult.CommandResult.Command.Name);
        if (examples.Count > 0)
        {
            output.WriteLine(examples.Count == 1 ? "Example:" : "Examples:");
        }

        foreach (var example in examples)
        {
            output.WriteLine($"  # {example.Purpose}");
            output.WriteLine($"  {example.CommandLine}");
        }

        return result;
    }
}
