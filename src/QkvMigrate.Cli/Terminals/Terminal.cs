using Spectre.Console;

namespace QkvMigrate.Cli.Terminals;

/// <summary>Whether a stream of the program is a terminal that can do more than print lines.</summary>
internal static class Terminal
{
    /// <summary>Columns below which no line is broken between words: there would be one to a line.</summary>
    private const int SmallestWidth = 20;

    /// <summary>Whether standard output is.</summary>
    public static bool IsOutput => !Console.IsOutputRedirected && IsCapable;

    /// <summary>Whether standard error is.</summary>
    public static bool IsError => !Console.IsErrorRedirected && IsCapable;

    /// <summary>Columns of standard output, or null where it is no such terminal.</summary>
    public static int? OutputWidth => IsOutput ? Width : null;

    /// <summary>Columns of standard error, or null where it is no such terminal.</summary>
    public static int? ErrorWidth => IsError ? Width : null;

    /// <summary>Some terminals do not say how wide they are.</summary>
    private static int? Width => Console.WindowWidth is >= SmallestWidth and var width ? width : null;

    /// <summary>Terminals say what they are in TERM; <c>dumb</c> is one that prints lines and nothing else.</summary>
    private static bool IsCapable => Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    /// <summary>
    /// The terminal behind a stream that is known to be one. Spectre.Console asks TERM, COLORTERM and NO_COLOR how many
    /// colours it has; whether it can be drawn on would depend on the other stream.
    /// </summary>
    public static IAnsiConsole Open(TextWriter stream) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(stream), Interactive = InteractionSupport.Yes });
}
