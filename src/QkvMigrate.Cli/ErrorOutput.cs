using QkvMigrate.Cli.Terminals;

namespace QkvMigrate.Cli;

/// <summary>What the program itself says, outside of a command.</summary>
internal static class ErrorOutput
{
    /// <summary>Says it in one line of standard error.</summary>
    public static void Say(string message)
    {
        using var lines = new PrintableWriter(Console.Error, Terminal.ErrorWidth);
        lines.WriteLine($"qkvmigrate: {message}");
    }
}
