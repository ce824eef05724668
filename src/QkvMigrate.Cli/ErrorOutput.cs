using QkvMigrate.Cli.Terminals;

namespace QkvMigrate.Cli;

/// <summary>Messages of the program itself, outside of a command, on standard error.</summary>
internal static class ErrorOutput
{
    /// <summary>Writes the message in one line.</summary>
    public static void Say(string message)
    {
        using var lines = new PrintableWriter(Console.Error, Terminal.ErrorWidth);
        lines.WriteLine($"qkvmigrate: {message}");
    }
}
