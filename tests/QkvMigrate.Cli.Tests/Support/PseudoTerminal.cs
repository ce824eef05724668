using System.Globalization;
using System.Text.RegularExpressions;
using QkvMigrate.Testing.Processes;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>Runs the built program in a terminal, as a user at one does.</summary>
/// <param name="columns">Columns of the terminal.</param>
internal sealed partial class PseudoTerminal(int columns = 80)
{
    /// <summary>Hides the cursor.</summary>
    public const string HideCursor = "\e[?25l";

    /// <summary>Shows it again.</summary>
    public const string ShowCursor = "\e[?25h";

    /// <summary>More for the program's environment.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>A file for standard output, or null where it is the terminal too.</summary>
    public string? Output { get; init; }

    /// <summary>Ctrl-C is typed when the program has written this.</summary>
    public string? InterruptAt { get; init; }

    /// <summary>A command that runs the program and is put before it: strace with what it injects.</summary>
    public IReadOnlyList<string> Tracer { get; init; } = [];

    /// <summary>Runs the program; the result's output is what the terminal was sent.</summary>
    public ProcessResult Run(params IEnumerable<string> arguments)
    {
        var environment = new Dictionary<string, string>(Tool.Environment) { ["TERM"] = "xterm-256color" };
        foreach (var (name, value) in Environment)
        {
            environment[name] = value;
        }

        var run = Python.Run(
            "fixtures/in_terminal.py",
            [columns.ToString(CultureInfo.InvariantCulture), Output ?? "-", InterruptAt ?? "-", .. Tracer, BuildFacts.Program, .. arguments],
            environment);

        // The runtime's own greeting to a terminal (terminfo's smkx); it says nothing of the program.
        return run with { Output = run.Output.Replace("\e[?1h\e=", "", StringComparison.Ordinal) };
    }

    /// <summary>The lines that a terminal was sent, without colours and movements of the cursor.</summary>
    public static IReadOnlyList<string> Lines(string sent) =>
        [.. Controls().Replace(sent, "").Split('\r', '\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];

    [GeneratedRegex(@"\e\[[0-9;?]*[A-Za-z]|\e[=>]", RegexOptions.NonBacktracking)]
    private static partial Regex Controls();
}
